#!/usr/bin/env bash
# Install the bundle that this file lies in: ./install.sh [FOLDER]   (default /opt/caifeng). No network is used.
# An installation that stands there is set aside as FOLDER.before-<time>; data and configuration are elsewhere.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=${1:-/opt/caifeng}
python=${PYTHON:-python3}
cd "$here"
sha256sum --check --quiet SHA256SUMS || { echo "the bundle is damaged: copy it again" >&2; exit 1; }
wanted=$(basename "$here" | sed -nE 's/.*-linux-([^-]+)-py3([0-9]+)$/\1 3.\2/p')
found=$("$python" -c 'import platform, sys; print(platform.machine(), "%d.%d" % sys.version_info[:2])')
[ -z "$wanted" ] || [ "$wanted" = "$found" ] || { echo "this bundle is for $wanted, this machine is $found (PYTHON=… names another Python)" >&2; exit 2; }
"$python" -c 'import ensurepip' 2>/dev/null || { echo "python3-venv is needed" >&2; exit 2; }
[ ! -e "$target" ] || mv "$target" "$target.before-$(date +%Y%m%dT%H%M%S)"
mkdir -p "$(dirname "$target")"
cp -R app "$target"
# The environment is made where it will stay: its scripts name its path.
"$python" -m venv "$target/.venv"
pip=("$target/.venv/bin/python" -m pip install --quiet --no-index --find-links "$here/wheels" --disable-pip-version-check)
"${pip[@]}" --no-deps --require-hashes -r "$target/requirements-cluster.lock"
"${pip[@]}" --no-deps uv_build
export PATH=$target/.venv/bin:$PATH # where the build tool looks for its program
"${pip[@]}" --no-deps --no-build-isolation --editable "$target"
"$target/.venv/bin/caifeng" --help >/dev/null
echo "installed in $target; next: docs/deploy.md, docs/upgrade.md there"
