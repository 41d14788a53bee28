#!/usr/bin/env bash
# What a process of the cluster does: init | api-server | scheduler | dag-processor | triggerer | worker | town,
# `healthy <one of them>`, or any command (`caifeng …`, `airflow …`). The image, docker/cluster.sh and docker/systemd
# start everything through it.
#
# Secrets are files in SECRETS_DIR and stay files: PostgreSQL's clients read theirs from a password file, Airflow asks
# `entrypoint.sh secret NAME` when it needs one. No environment, list of processes or `docker inspect` shows them.
#   POSTGRES_ADDRESS, REDIS_ADDRESS   host:port, as in the compose file if not set
#   RUNTIME_DIR                       where the password file is written; in memory if possible
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
me=$root/docker/entrypoint.sh
secrets=${SECRETS_DIR:-/run/secrets}
postgres=${POSTGRES_ADDRESS:-postgres:5432}
redis=${REDIS_ADDRESS:-redis:6379}
secret() { [ -s "$secrets/$1" ] || { echo "secret $1 is missing: run docker/make-secrets.sh" >&2; return 1; }; tr -d '\r\n' <"$secrets/$1"; }

if [ "${1:-}" = secret ]; then
  case "${2:-}" in
    broker_url)
      password=$(secret redis_password)
      echo -n "redis://:$password@$redis/0"
      ;;
    jwt_secret | fernet_key | session_key) secret "$2" ;;
    *) echo "no such secret: ${2:-}" >&2; exit 2 ;;
  esac
  exit
fi

# The sample town: no secret, no database.
if [ "${1:-}" = town ]; then
  cd "$root"
  exec python -m samples.server --port "${TOWN_PORT:-8790}" --clock-file "${CLOCK_FILE:-$CAIFENG_HOME/clock.txt}"
fi

# A variable that the compose file hands on empty is one that is not set.
for name in CAIFENG_LAKE CAIFENG_AS_OF; do [ -n "${!name:-}" ] || unset "$name"; done
# Least privilege: a worker, which meets what pages and files hold, cannot sign a login nor read a stored connection.
needed=(airflow_db_password register_db_password redis_password) keys=(jwt_secret fernet_key session_key)
case "${1:-}" in
  worker) keys=() ;;
  init | api-server | scheduler | dag-processor | triggerer) needed+=("${keys[@]}") ;;
esac
for name in "${needed[@]}"; do secret "$name" >/dev/null; done
if [[ ${CAIFENG_LAKE:-} == s3://* ]]; then
  export AWS_ACCESS_KEY_ID_FILE=$secrets/s3_access_key AWS_SECRET_ACCESS_KEY_FILE=$secrets/s3_secret_key
  for name in s3_access_key s3_secret_key; do secret "$name" >/dev/null; done
fi

export PGPASSFILE=${RUNTIME_DIR:-/tmp}/pgpass
(
  umask 077
  for name in airflow register; do echo "*:*:$name:$name:$(secret "${name}_db_password")"; done >"$PGPASSFILE.$$"
  mv "$PGPASSFILE.$$" "$PGPASSFILE"
)
export AIRFLOW__DATABASE__SQL_ALCHEMY_CONN="postgresql+psycopg2://airflow@$postgres/airflow"
# Tasks see neither Airflow's database nor its address; the one that deletes old runs is told (caifeng/jobs/purge.py).
export CAIFENG_AIRFLOW_DATABASE=$AIRFLOW__DATABASE__SQL_ALCHEMY_CONN
export AIRFLOW__CELERY__RESULT_BACKEND="db+postgresql+psycopg2://airflow@$postgres/airflow"
export AIRFLOW__CELERY__BROKER_URL_CMD="$me secret broker_url"
declare -A setting=([jwt_secret]=API_AUTH__JWT_SECRET [fernet_key]=CORE__FERNET_KEY [session_key]=API__SECRET_KEY)
for name in "${keys[@]}"; do
  [ ! -s "$secrets/$name" ] || export "AIRFLOW__${setting[$name]}_CMD=$me secret $name"
done
export CAIFENG_REGISTER_URL="postgresql://register@$postgres/register"
export PYTHONPATH=$root/docker${PYTHONPATH:+:$PYTHONPATH} # fab_accounts.py
port=${AIRFLOW__API__PORT:-8080}

answers() {
  python - "$1" <<'P'
import sys, urllib.request
sys.exit(urllib.request.urlopen(sys.argv[1], timeout=5).status != 200)
P
}

case "${1:-}" in
  init)
    # What is missing or faulty stops here, named, before anything runs on it.
    caifeng check --deploy
    airflow db migrate
    airflow pools import "$root/docker/pools.json"
    python "$root/docker/fab_roles.py"
    ;;
  api-server | scheduler | dag-processor | triggerer) exec airflow "$1" ;;
  # Logs lie in the shared home: no server of logs, which would need the key of sessions.
  worker) exec airflow celery worker --skip-serve-logs ${WORKER_NAME:+--celery-hostname "$WORKER_NAME@$(hostname)"} ;;
  healthy)
    case "${2:-}" in
      api-server) answers "http://localhost:$port/api/v2/monitor/health" ;;
      scheduler) answers "http://localhost:${AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT:-8974}/health" ;;
      dag-processor) exec airflow jobs check --job-type DagProcessorJob --local ;;
      triggerer) exec airflow jobs check --job-type TriggererJob --local ;;
      worker) exec celery --app airflow.providers.celery.executors.celery_executor.app inspect ping --timeout 10 --destination "${WORKER_NAME:-celery}@$(hostname)" ;;
      *) echo "no such service: ${2:-}" >&2; exit 2 ;;
    esac
    ;;
  "") echo "usage: entrypoint.sh init|api-server|scheduler|dag-processor|triggerer|worker|town|healthy SERVICE|COMMAND…" >&2; exit 2 ;;
  *) exec "$@" ;;
esac
