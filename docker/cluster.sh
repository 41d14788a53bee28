#!/usr/bin/env bash
# The cluster on one machine without containers: Debian's PostgreSQL and Redis, private and on loopback, and our
# processes started by the same docker/entrypoint.sh as in the image. For trying it out and for tests/cluster.
#   docker/cluster.sh start | stop | status | worker NAME | run COMMAND…
# CLUSTER_HOME    everything it writes (default var/cluster); PostgreSQL's account must be able to reach it
# CAIFENG_CONFIG  configuration (default config/)     CLUSTER_VENV  environment with requirements-cluster.lock
# CLUSTER_PORT    first of twelve ports (default 18080)   WORKERS  how many (default 2)
# CLUSTER_ENV     a file of further settings, read last
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
home=${CLUSTER_HOME:-$root/var/cluster}
mkdir -p "$home"
home=$(cd "$home" && pwd)
base=${CLUSTER_PORT:-18080}
venv=${CLUSTER_VENV:-$root/.venv}
config=$(cd "${CAIFENG_CONFIG:-$root/config}" && pwd)
mkdir -p "$home"/{run,logs,redis,home,accounts}

set -a
. "$root/docker/airflow.env"
. "$root/docker/cluster.env"
SECRETS_DIR=$home/secrets RUNTIME_DIR=$home/run
POSTGRES_ADDRESS=127.0.0.1:$((base + 1)) REDIS_ADDRESS=127.0.0.1:$((base + 2))
CAIFENG_HOME=$home/home CAIFENG_CONFIG=$config ACCOUNTS_FILE=$home/accounts/passwords.json NUMBA_CACHE_DIR=$home/run/numba
AIRFLOW_HOME=$home/airflow
AIRFLOW__CORE__DAGS_FOLDER=$root/dags
AIRFLOW__CORE__PLUGINS_FOLDER=$root/plugins
AIRFLOW__CORE__EXECUTION_API_SERVER_URL=http://127.0.0.1:$base/execution/
AIRFLOW__API__HOST=127.0.0.1 AIRFLOW__API__PORT=$base AIRFLOW__API__BASE_URL=http://127.0.0.1:$base
AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT=$((base + 3))
AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT=$((base + 4))
AIRFLOW__LOGGING__BASE_LOG_FOLDER=$home/home/logs/airflow
PATH=$venv/bin:$PATH PYTHONPATH=$root${PYTHONPATH:+:$PYTHONPATH}
[ -z "${CLUSTER_ENV:-}" ] || . "$CLUSTER_ENV"
set +a
enter=$root/docker/entrypoint.sh
pg_bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1 || true)
as_postgres=() as_redis=()
if [ "$(id -u)" = 0 ]; then # neither of them runs as root
  as_postgres=(setpriv --reuid=postgres --regid=postgres --init-groups)
  as_redis=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
fi
services=(redis postgres api-server scheduler dag-processor triggerer)
for ((n = 1; n <= ${WORKERS:-2}; n++)); do services+=("worker$n"); done

group() { cat "$home/run/$1.pid" 2>/dev/null; }
alive() { local g; g=$(group "$1") && [ -n "$g" ] && kill -0 -- "-$g" 2>/dev/null; }
launch() { # launch NAME FOLDER COMMAND…: a process group of its own, so that stopping it leaves nobody behind
  local name=$1 folder=$2
  shift 2
  mkdir -p "$folder"
  (cd "$folder" && exec setsid "$@" >>"$home/logs/$name.log" 2>&1 </dev/null) &
  echo $! >"$home/run/$name.pid"
}
until_ready() { # until_ready SECONDS WHAT COMMAND…
  local seconds=$1 what=$2
  shift 2
  for ((n = 0; n < seconds * 2; n++)); do
    "$@" >/dev/null 2>&1 && return
    sleep 0.5
  done
  echo "$what did not become ready within $seconds seconds, see $home/logs" >&2
  return 1
}
start_postgres() {
  local data=$home/postgres/data socket=$home/postgres/socket port=${POSTGRES_ADDRESS##*:} first=no
  [ -n "$pg_bin" ] || { echo "PostgreSQL is missing: apt-get install postgresql" >&2; exit 2; }
  if [ ! -s "$data/PG_VERSION" ]; then
    first=yes
    mkdir -p "$home/postgres" "$socket" # the socket needs no password: its folder is closed
    [ "$(id -u)" != 0 ] || chown -R postgres:postgres "$home/postgres"
    chmod 700 "$socket"
    (cd "$home/postgres" && "${as_postgres[@]}" "$pg_bin/initdb" --pgdata "$data" --username postgres --encoding UTF8 --locale C \
      --auth-local trust --auth-host scram-sha-256 >"$home/logs/initdb.log")
  fi
  launch postgres "$home/postgres" "${as_postgres[@]}" "$pg_bin/postgres" -D "$data" -c "listen_addresses=127.0.0.1" \
    -c "port=$port" -c "unix_socket_directories=$socket" -c "max_connections=150"
  until_ready 60 PostgreSQL "$pg_bin/pg_isready" --host "$socket" --port "$port"
  [ $first = no ] || PGHOST=$socket PGPORT=$port POSTGRES_USER=postgres PATH=$pg_bin:$PATH "$root/docker/postgres-init.sh"
}
start_redis() {
  command -v redis-server >/dev/null || { echo "Redis is missing: apt-get install redis-server" >&2; exit 2; }
  local words
  words=$(printf 'requirepass %s\nsave ""\nappendonly no\nbind 127.0.0.1\nport %s\n' "$(tr -d '\r\n' <"$SECRETS_DIR/redis_password")" "${REDIS_ADDRESS##*:}")
  # By standard input, as in the compose file: the password is in no list of processes.
  (cd "$home/redis" && exec setsid "${as_redis[@]}" redis-server - >>"$home/logs/redis.log" 2>&1 <<<"$words") &
  echo $! >"$home/run/redis.pid"
}
start_worker() { # a folder of its own: nothing may depend on where a worker stands
  WORKER_NAME=$1 launch "$1" "$home/$1" "$enter" worker
}
answering() { [ "$("$venv/bin/python" -c 'import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=3).status)' "$1")" = 200 ]; }

case "${1:-}" in
  start)
    alive scheduler && { echo "already running on http://127.0.0.1:$base"; exit 0; }
    "$root/docker/make-secrets.sh" "$SECRETS_DIR" >/dev/null
    start_postgres
    start_redis
    until_ready 30 Redis bash -c 'exec 3<>"/dev/tcp/${REDIS_ADDRESS/://}"'
    "$enter" init >>"$home/logs/init.log" 2>&1 || { tail -5 "$home/logs/init.log" >&2; echo "init failed, see $home/logs/init.log" >&2; "${BASH_SOURCE[0]}" stop >/dev/null; exit 1; }
    for name in api-server scheduler dag-processor triggerer; do launch "$name" "$home/$name" "$enter" "$name"; done
    for name in "${services[@]}"; do [[ $name != worker* ]] || start_worker "$name"; done
    until_ready 240 "the api-server" answering "http://127.0.0.1:$base/api/v2/monitor/health"
    until_ready 180 "the scheduler" answering "http://127.0.0.1:$((base + 3))/health"
    for name in "${services[@]}"; do
      [[ $name != worker* ]] || WORKER_NAME=$name until_ready 60 "$name" "$enter" healthy worker
    done
    echo "running on http://127.0.0.1:$base, everything below $home"
    ;;
  worker) # a worker that was lost, again: what is left of it goes first
    name=${2:?worker NAME}
    for ((n = 0; n < 60; n++)); do
      alive "$name" || break
      kill -KILL -- "-$(group "$name")" 2>/dev/null || true
      sleep 0.5
    done
    start_worker "$name"
    ;;
  stop)
    names=("${services[@]}")
    for file in "$home"/run/worker*.pid; do [ ! -e "$file" ] || names+=("$(basename "$file" .pid)"); done
    for ((n = ${#names[@]} - 1; n >= 0; n--)); do # the databases last
      name=${names[n]}
      alive "$name" || continue
      signal=TERM
      [ "$name" != postgres ] || signal=INT
      kill -$signal -- "-$(group "$name")" 2>/dev/null || true
      if [ "$name" = api-server ] || [ "$name" = redis ] || [ "$name" = postgres ]; then
        for ((s = 0; s < 60; s++)); do alive "$name" || break; sleep 0.5; done
      fi
    done
    for ((s = 0; s < 40; s++)); do
      left=()
      for name in "${names[@]}"; do ! alive "$name" || left+=("$name"); done
      [ ${#left[@]} -gt 0 ] || break
      sleep 0.5
    done
    for name in ${left[@]+"${left[@]}"}; do kill -KILL -- "-$(group "$name")" 2>/dev/null || true; done
    rm -f "$home"/run/*.pid "$home/run/pgpass"
    echo stopped
    ;;
  status)
    rc=0
    for name in "${services[@]}"; do
      if alive "$name"; then echo "$name runs"; else echo "$name does not run"; rc=1; fi
    done
    exit $rc
    ;;
  run)
    shift
    exec "$enter" "$@"
    ;;
  *)
    echo "usage: docker/cluster.sh start|stop|status|worker NAME|run COMMAND…" >&2
    exit 2
    ;;
esac
