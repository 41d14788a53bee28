#!/usr/bin/env bash
# Start and stop Airflow on one machine, in a process group of its own: SIGTERM to its master alone would leave
# scheduler and api-server behind. Usage: docker/airflow.sh up|down|status   (PORT, CAIFENG_HOME, CAIFENG_CONFIG)
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
export CAIFENG_HOME=${CAIFENG_HOME:-$root/var} CAIFENG_CONFIG=${CAIFENG_CONFIG:-$root/config}
CAIFENG_HOME=$(mkdir -p "$CAIFENG_HOME" && cd "$CAIFENG_HOME" && pwd)
port=${PORT:-8080}
set -a
. docker/airflow.env
AIRFLOW_HOME=$CAIFENG_HOME/airflow
AIRFLOW__CORE__DAGS_FOLDER=$root/dags
AIRFLOW__CORE__PLUGINS_FOLDER=$root/plugins
AIRFLOW__API__PORT=$port
AIRFLOW__API__BASE_URL=http://localhost:$port
AIRFLOW__CORE__EXECUTION_API_SERVER_URL=http://localhost:$port/execution/
AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT=$((port + 713))
AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT=$((port + 714))
PATH=$root/.venv/bin:$PATH
set +a
pid_file=$AIRFLOW_HOME/caifeng.pid
log=$CAIFENG_HOME/logs/airflow.log
passwords=$AIRFLOW_HOME/simple_auth_manager_passwords.json.generated

running() { [ -f "$pid_file" ] && kill -0 -- "-$(cat "$pid_file")" 2>/dev/null; }
healthy() {
  python - "$port" <<'P' 2>/dev/null
import json, sys, urllib.request
health = json.load(urllib.request.urlopen(f"http://localhost:{sys.argv[1]}/api/v2/monitor/health", timeout=3))
sys.exit(0 if health["scheduler"]["status"] == "healthy" else 1)
P
}

case "${1:-}" in
  up)
    running && { echo "Airflow is already running on http://localhost:$port"; exit 0; }
    if python -c 'import socket, sys; s = socket.socket(); sys.exit(s.connect_ex(("127.0.0.1", int(sys.argv[1]))))' "$port"; then
      echo "port $port is in use: choose another one, for example: make up PORT=8090" >&2
      exit 2
    fi
    caifeng check >&2
    mkdir -p "$AIRFLOW_HOME" "$CAIFENG_HOME/logs"
    first_start=$([ -f "$passwords" ] && echo no || echo yes)
    echo "preparing Airflow's database …"
    [ -s "$AIRFLOW_HOME/jwt_secret" ] || (umask 077 && python -c 'import secrets; print(secrets.token_urlsafe(64))' >"$AIRFLOW_HOME/jwt_secret")
    export AIRFLOW__API_AUTH__JWT_SECRET=$(<"$AIRFLOW_HOME/jwt_secret")
    airflow db migrate >>"$log" 2>&1
    airflow pools import docker/pools.json >>"$log" 2>&1
    setsid airflow standalone >>"$log" 2>&1 </dev/null &
    echo $! >"$pid_file"
    for _ in $(seq 1 90); do
      sleep 2
      running || { echo "Airflow did not start, see $log" >&2; exit 1; }
      if healthy; then
        echo "采风 is running: http://localhost:$port   (make down stops it; log: $log)"
        if [ "$first_start" = yes ] && [ -f "$passwords" ]; then
          echo "users and passwords, shown once (kept in $passwords):"
          python -c 'import json, sys; [print(f"  {user}: {word}") for user, word in json.load(open(sys.argv[1])).items()]' "$passwords"
          chmod 600 "$passwords"
        fi
        exit 0
      fi
    done
    echo "Airflow did not become healthy within 3 minutes, see $log" >&2
    exit 1
    ;;
  down)
    running || { echo "Airflow is not running"; rm -f "$pid_file"; exit 0; }
    group=$(cat "$pid_file")
    kill -TERM -- "-$group"
    for _ in $(seq 1 45); do
      sleep 1
      running || { rm -f "$pid_file"; echo "stopped"; exit 0; }
    done
    kill -KILL -- "-$group" 2>/dev/null || true
    rm -f "$pid_file"
    echo "stopped (some processes had to be killed)"
    ;;
  status)
    running && healthy && echo "running on http://localhost:$port" || { echo "not running"; exit 1; }
    ;;
  *)
    echo "usage: docker/airflow.sh up|down|status" >&2
    exit 2
    ;;
esac
