#!/usr/bin/env bash
# What a container does: init | api-server | scheduler | dag-processor | triggerer | worker, `healthy <one of them>`, or
# any command (`caifeng …`, `airflow …`). Addresses with passwords are put together here, from files, so that neither
# the compose file nor `docker inspect` shows them.
set -euo pipefail
cd "$(dirname "$0")/.."
secrets=${SECRETS_DIR:-/run/secrets}
secret() { [ -s "$secrets/$1" ] || { echo "secret $1 is missing: run docker/make-secrets.sh" >&2; return 1; }; tr -d '\r\n' <"$secrets/$1"; }

airflow_db=$(secret airflow_db_password)
register_db=$(secret register_db_password)
redis=$(secret redis_password)
jwt=$(secret jwt_secret)
fernet=$(secret fernet_key)
session=$(secret session_key)
export AIRFLOW__DATABASE__SQL_ALCHEMY_CONN="postgresql+psycopg2://airflow:$airflow_db@postgres:5432/airflow"
export AIRFLOW__CELERY__RESULT_BACKEND="db+postgresql+psycopg2://airflow:$airflow_db@postgres:5432/airflow"
export AIRFLOW__CELERY__BROKER_URL="redis://:$redis@redis:6379/0"
export AIRFLOW__API_AUTH__JWT_SECRET="$jwt" AIRFLOW__CORE__FERNET_KEY="$fernet" AIRFLOW__API__SECRET_KEY="$session"
export CAIFENG_REGISTER_URL="postgresql+psycopg2://register:$register_db@postgres:5432/register"

answers() {
  python - "$1" <<'P'
import sys, urllib.request
sys.exit(urllib.request.urlopen(sys.argv[1], timeout=5).status != 200)
P
}

case "${1:-}" in
  init)
    # A faulty configuration stops here, before anything runs on it.
    caifeng check
    airflow db migrate
    airflow pools import docker/pools.json
    ;;
  api-server | scheduler | dag-processor | triggerer) exec airflow "$1" ;;
  worker) exec airflow celery worker ;;
  healthy)
    case "${2:-}" in
      api-server) answers http://localhost:8080/api/v2/monitor/health ;;
      scheduler) answers http://localhost:8974/health ;;
      dag-processor) exec airflow jobs check --job-type DagProcessorJob --local ;;
      triggerer) exec airflow jobs check --job-type TriggererJob --local ;;
      worker) exec celery --app airflow.providers.celery.executors.celery_executor.app inspect ping --timeout 10 --destination "celery@$(hostname)" ;;
      *) echo "no such service: ${2:-}" >&2; exit 2 ;;
    esac
    ;;
  "") echo "usage: entrypoint.sh init|api-server|scheduler|dag-processor|triggerer|worker|healthy SERVICE|COMMAND…" >&2; exit 2 ;;
  *) exec "$@" ;;
esac
