#!/bin/sh
# automount.sh VOLUME: inside a server, as the provider does it for `automount`: mounted now and at every boot.
set -eu
device=/dev/disk/by-id/scsi-0HC_Volume_$1
target=/mnt/HC_Volume_$1
unit=mnt-HC_Volume_$1.mount
# The provider writes /etc/fstab; in a container systemd leaves block devices there alone (systemd-fstab-generator(8)).
cat >"/etc/systemd/system/$unit" <<UNIT
[Unit]
ConditionPathExists=$device

[Mount]
What=$device
Where=$target
Type=ext4
Options=discard

[Install]
WantedBy=local-fs.target
UNIT
systemctl daemon-reload
systemctl --quiet enable "$unit"
systemctl start "$unit"
mountpoint --quiet "$target"
