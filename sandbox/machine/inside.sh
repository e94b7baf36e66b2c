#!/bin/bash
# inside.sh ROOT SCRIPT ARGUMENT...: runs SCRIPT inside ROOT to set up packages; no daemon starts.
# The caller is in a mount namespace of its own.
set -euo pipefail
root=$1 script=$2
shift 2
mount -t proc proc "$root/proc"
mount -t devpts devpts "$root/dev/pts"
# invoke-rc.d and deb-systemd-invoke ask this file before they start a service.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
install -m 755 "$script" "$root/set-up"
env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 chroot "$root" /set-up "$@"
rm "$root/set-up" "$root/usr/sbin/policy-rc.d"
umount "$root/dev/pts" "$root/proc"
