#!/bin/bash
# inside.sh ROOT ARCHIVES SCRIPT ARGUMENT...: runs SCRIPT inside ROOT as for setting up packages: no daemon starts,
# downloaded packages are kept in ARCHIVES. The caller is in a mount namespace of its own.
set -euo pipefail
root=$1 archives=$2 script=$3
shift 3
mkdir -p "$root/var/cache/sandbox-packages"
mount --bind "$archives" "$root/var/cache/sandbox-packages"
mount -t proc proc "$root/proc"
mount -t devpts devpts "$root/dev/pts"
# invoke-rc.d and deb-systemd-invoke ask this file before they start a service.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
install -m 755 "$script" "$root/set-up"
env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 chroot "$root" /set-up "$@"
rm "$root/set-up" "$root/usr/sbin/policy-rc.d"
umount "$root/dev/pts" "$root/proc" "$root/var/cache/sandbox-packages"
