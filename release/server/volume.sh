#!/bin/bash
# volume wait ID: until the volume is attached.
# volume lay ID: the broker's data and the certificates lie on it from now on, where they outlive this server. The mount units
# are installed. What an earlier server left on the volume is kept; what this server has had until now moves there once.
set -euo pipefail

id=$2
device=/dev/disk/by-id/scsi-0HC_Volume_$id
volume=/mnt/HC_Volume_$id

fail() {
  echo "volume $id $*"
  exit 1
}

attached() { [[ -b $device ]] || mountpoint --quiet "$volume"; }

# It is attached after the boot.
wait_for_volume() {
  local attempt
  for ((attempt = 0; attempt < 120; attempt++)); do
    ! attached || return 0
    sleep 0.5
  done
  fail 'is not attached to this server, after a minute of waiting: attach it (Hetzner Cloud console, or "pulumi up --refresh")'
}

mount_volume() {
  if mountpoint --quiet "$volume"; then
    # Not by us, perhaps: with our options from now on.
    systemctl reload "mnt-HC_Volume_$id.mount"
    return
  fi
  # Never formatted here: an empty answer may also come from a volume that is ill.
  [[ -n $(blkid --probe --output value --match-tag TYPE "$device") ]] ||
    fail 'has no file system: was it made with the format ext4?'
  systemctl start "mnt-HC_Volume_$id.mount" || fail "cannot be mounted: $(journalctl --quiet --boot --no-pager \
    --output cat --lines 3 --unit "mnt-HC_Volume_$id.mount" | tr '\n' ' ')"
}

# A volume can be made larger while it is in use. Where its file system cannot follow, it is still as good as it was.
grow() {
  resize2fs "$device" >/dev/null || echo "volume $id: its file system is still as small as before; as root: resize2fs $device" >&2
}

# move DIRECTORY NAME: what DIRECTORY holds becomes NAME on the volume. Only what is whole gets its name.
move() {
  local target=$volume/$2
  rm -rf "$target.partial"
  cp --archive --no-target-directory "$1" "$target.partial"
  sync --file-system "$target.partial"
  mv --no-target-directory "$target.partial" "$target"
  sync "$volume"
  find "$1" -mindepth 1 -delete
}

# lay DIRECTORY NAME UNIT...: DIRECTORY is NAME on the volume from now on; the units that use it are stopped if it was not.
lay() {
  local directory=$1 name=$2 mount
  shift 2
  mount=$(systemd-escape --path --suffix=mount "$directory")
  if [[ ! $directory -ef $volume/$name ]]; then
    systemctl stop --quiet "$@"
    # Of another volume.
    ! mountpoint --quiet "$directory" || systemctl stop "$mount"
    [[ -d $volume/$name ]] || move "$directory" "$name"
  fi
  systemctl start "$mount"
  [[ $directory -ef $volume/$name ]] || fail "is not what $directory shows: see journalctl --unit $mount"
}

case $1 in
  wait) wait_for_volume ;;
  lay)
    mount_volume
    grow
    # Another server may have had another number for the user: StateDirectory= in the broker's unit sets that right.
    [[ -d /var/lib/skerry ]] || install -d -m 0700 -o skerry -g skerry /var/lib/skerry
    [[ -d /etc/letsencrypt ]] || install -d -m 0700 /etc/letsencrypt
    lay /var/lib/skerry skerry 'skerry-*.socket' skerry-broker.service
    lay /etc/letsencrypt letsencrypt skerry-acme.service
    ;;
esac
