#!/usr/bin/env bash
# Make the secrets of the cluster, once; what exists stays. The folder is closed to others, its files are readable:
# containers see single files and are not the user who made them. Usage: docker/make-secrets.sh [FOLDER]
set -euo pipefail
folder=${1:-${CAIFENG_SECRETS:-$(cd "$(dirname "$0")/.." && pwd)/var/secrets}}
mkdir -p "$folder"
chmod 700 "$folder"
make() { # make NAME [BYTES]: random bytes (32), in the alphabet that addresses and Fernet keys share
  [ -s "$folder/$1" ] && return
  head -c "${2:-32}" /dev/urandom | base64 | tr -d '\n' | tr '+/' '-_' >"$folder/.$1.tmp"
  chmod 444 "$folder/.$1.tmp"
  mv "$folder/.$1.tmp" "$folder/$1"
}
for name in postgres_password airflow_db_password register_db_password redis_password fernet_key session_key s3_secret_key; do
  make "$name"
done
make jwt_secret 64 # tokens are signed with SHA-512 (RFC 7518, 3.2)
if [ ! -s "$folder/s3_access_key" ]; then # a name rather than a secret: stores allow 20 letters and digits
  head -c 10 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$folder/.s3_access_key.tmp"
  chmod 444 "$folder/.s3_access_key.tmp"
  mv "$folder/.s3_access_key.tmp" "$folder/s3_access_key"
fi
echo "secrets are in $folder"
