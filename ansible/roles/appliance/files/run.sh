#!/bin/sh
# Runs the release that this file stands in. The path is taken as it was written: through `current` it stays
# `current`, so that what is rendered from it need not change with every release.
root=$(cd "$(dirname "$0")/.." && pwd -L) || exit 1
export PYTHONPATH="$root" PYTHONSAFEPATH=1 PYTHONUNBUFFERED=1
exec "$root/venv/bin/python" -m appliance "$@"
