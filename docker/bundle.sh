#!/usr/bin/env bash
# One archive that installs on a machine without a network: code, every wheel of requirements-cluster.lock with its
# hash checked, checksums of all of it, and install.sh.
#   docker/bundle.sh [FOLDER]     (default build/)    PYTHON: the interpreter, its version is that of the target
# A wheel fits one processor and one Python. Made on the kind of machine it is for: on ARM (aarch64) run it there;
# the name of the archive says which.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
target=$(mkdir -p "${1:-$root/build}" && cd "${1:-$root/build}" && pwd)
python=${PYTHON:-$root/.venv/bin/python}
version=$(sed -nE 's/^version = "(.*)"/\1/p' "$root/pyproject.toml" | head -1)
name=caifeng-$version-$("$python" -c 'import platform, sys; print(f"linux-{platform.machine()}-py{sys.version_info[0]}{sys.version_info[1]}")')
work=$target/$name
rm -rf "$work"
mkdir -p "$work/wheels" "$work/app"

# What runs, as in the image, and what an operator reads. No data, no secrets, no history.
sed -n 's/^!//p' "$root/docker/Dockerfile.dockerignore" | (cd "$root" && while read -r path; do [ ! -e "$path" ] || echo "$path"; done; cd "$root" && ls -d docs Makefile requirements.lock) |
  tar --create --directory "$root" --exclude __pycache__ --exclude '*.pyc' --files-from - | tar --extract --directory "$work/app"
# What only some patch releases need comes along: the target may have another one (Debian 12: 3.11.2).
sed -E "s/ ; python_full_version [<>=!]+ '3\.[0-9]+\.[0-9]+'//" "$root/requirements-cluster.lock" >"$work/wheels.lock"
"$python" -m pip download --quiet --no-deps --require-hashes --only-binary :all: --dest "$work/wheels" -r "$work/wheels.lock"
rm "$work/wheels.lock"
# The build tool that links the code into the environment; pip itself comes with Python's venv.
"$python" -m pip download --quiet --no-deps --only-binary :all: --dest "$work/wheels" "$(sed -nE 's/^requires = \["(uv_build[^"]*)"\]/\1/p' "$root/pyproject.toml")"
cp "$root/docker/bundle-install.sh" "$work/install.sh"
(cd "$work" && find . -type f ! -name SHA256SUMS -print0 | sort -z | xargs -0 sha256sum >SHA256SUMS)
tar --create --directory "$target" --file "$target/$name.tar" --sort=name --owner=0 --group=0 "$name" # wheels are compressed already
(cd "$target" && sha256sum "$name.tar" >"$name.tar.sha256")
rm -rf "$work"
echo "$target/$name.tar"
