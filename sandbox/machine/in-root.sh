#!/bin/bash
# in-root.sh ROOT [SOURCE TARGET]... -- COMMAND...: runs COMMAND in a copy of ROOT that is thrown away, with each SOURCE
# of this host to be read at TARGET. Called in mount, PID, network, IPC and UTS namespaces of its own.
set -euo pipefail
root=$1
shift
# A tmpfs over a directory that every system has: gone with the namespace.
here=/mnt
mount -t tmpfs tmpfs "$here"
mkdir "$here/upper" "$here/work" "$here/root"
mount -t overlay overlay -o "lowerdir=$root,upperdir=$here/upper,workdir=$here/work" "$here/root"
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then
    mkdir -p "$here/root$2"
  else
    mkdir -p "$(dirname "$here/root$2")"
    touch "$here/root$2"
  fi
  mount --bind "$1" "$here/root$2"
  mount -o remount,bind,ro "$here/root$2"
  shift 2
done
shift
mount -t proc proc "$here/root/proc"
mount --rbind /dev "$here/root/dev"
mount -t tmpfs tmpfs "$here/root/run"
ip link set lo up
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 chroot "$here/root" "$@"
