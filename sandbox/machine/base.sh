#!/bin/bash
# base.sh WORK SUITE REACH: unpacks Debian SUITE into WORK/root.
# The directory REACH holds how this host reaches the package archives.
# Each line on stdout is a step for people; details go to stderr.
set -euo pipefail
root=$1/root suite=$2 reach=$3
here=$(dirname "$(readlink -f "$0")")

step() { echo "Debian $suite: $1"; }

step 'unpacking the smallest system'
mirror=$(cat "$reach/mirror")
debootstrap --variant=minbase --include=ca-certificates "$suite" "$root" ${mirror:+"$mirror"} >&2

if [ -z "$mirror" ]; then mirror=$(awk '$1 == "deb" { print $2; exit }' "$root/etc/apt/sources.list"); fi
security=$(cat "$reach/security")
cat >"$root/etc/apt/sources.list" <<LIST
deb $mirror $suite main
deb $mirror $suite-updates main
deb ${security:-${mirror%/}-security} $suite-security main
LIST
cp "$reach/apt.conf" "$root/etc/apt/apt.conf.d/80reach"
cp --remove-destination /etc/resolv.conf "$root/etc/resolv.conf"
find "$reach" -name '*.crt' -exec install -m 644 -t "$root/usr/local/share/ca-certificates" {} +

"$here/inside.sh" "$root" "$here/base-packages.sh" "$suite"
