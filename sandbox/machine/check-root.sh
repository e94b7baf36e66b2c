#!/bin/bash
# check-root.sh WORK BASE: copies BASE to WORK/root and adds the programs that check our files.
set -euo pipefail
root=$1/root base=$2
here=$(dirname "$(readlink -f "$0")")

echo 'Checkers: copying the Debian base'
cp -a --reflink=auto "$base" "$root"
cp --remove-destination /etc/resolv.conf "$root/etc/resolv.conf"
"$here/inside.sh" "$root" "$here/check-packages.sh"
