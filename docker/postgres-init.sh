#!/usr/bin/env bash
# Run by the postgres image when its volume is empty: two databases, each with an owner of its own who sees no other.
set -euo pipefail
secrets=${SECRETS_DIR:-/run/secrets}
for name in airflow register; do
  psql --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --set name="$name" --set password="$(tr -d '\r\n' <"$secrets/${name}_db_password")" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name" ENCODING 'UTF8' TEMPLATE template0;
REVOKE CONNECT, TEMPORARY ON DATABASE :"name" FROM PUBLIC;
SQL
done
