#!/bin/bash
# root.sh ROOT BUILDER ARGUMENT...: makes the directory ROOT by `BUILDER WORK ARGUMENT...`, which has to fill WORK/root.
# Called under a lock, in a mount and a PID namespace of its own: however it ends, nothing stays mounted or running,
# and ROOT is either complete or not there.
set -euo pipefail
root=$1 builder=$2
shift 2
if [ -d "$root" ]; then exit 0; fi
rm -rf "$root.partial"
mkdir "$root.partial"
"$builder" "$root.partial" "$@"
mv "$root.partial/root" "$root"
rm -rf "$root.partial"
