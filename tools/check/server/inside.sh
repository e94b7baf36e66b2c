#!/bin/bash
# inside.sh ROOT FILES SCRIPT: runs SCRIPT inside the root of a server, with FILES to be read at /check. It may write where
# it likes: that is gone afterwards. The caller gives it a mount, a network and a PID namespace of its own.
set -euo pipefail
root=$1 files=$2 script=$3
# Nothing of this is seen outside of the namespace, nor stays when it ends.
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o "lowerdir=$root,upperdir=/mnt/upper,workdir=/mnt/work" /mnt/root
mount -t proc proc /mnt/root/proc
mount -t tmpfs tmpfs /mnt/root/run
mount -t tmpfs tmpfs /mnt/root/tmp
mkdir /mnt/root/check
mount --bind -o ro "$files" /mnt/root/check
install -m 0755 "$script" /mnt/root/tmp/check
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 chroot /mnt/root /tmp/check
