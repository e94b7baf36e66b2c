#!/bin/bash
# guest.sh: runs one server until it is switched off; the environment says which. Called in a mount namespace of its own,
# so that nothing of it shows on the host.
#   DIRECTORY  upper/, work/ and root/ of its disk        BASE    the lower layer
#              and volumes/ID: each the name of a device
#   NAME       host name                                  LINK    the host's end of its cable
#   ADDRESS    IPv4 address                               EDGE, GATEWAY, MTU of its network
#   NETWORK6   IPv6 network, CIDR; empty: none            EDGE6, GATEWAY6 of it
#   CGROUP     its control group, relative to the root of cgroup2
set -euo pipefail

mkdir -p /run/netns /run/systemd/nspawn
mount -t tmpfs -o mode=755 tmpfs /run/netns
mount -t tmpfs -o mode=755 tmpfs /run/systemd/nspawn
# systemd-nspawn judges by what is mounted here; a host of the hybrid kind would give the server version 1.
umount --lazy /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
mount -t overlay overlay -o "lowerdir=$BASE,upperdir=$DIRECTORY/upper,workdir=$DIRECTORY/work" "$DIRECTORY/root"
machine=/sys/fs/cgroup$CGROUP/machine

plug_in() {
  ip link delete "$LINK" 2>/dev/null || true
  if [ -e /run/netns/server ]; then ip netns delete server; fi
  ip netns add server
  ip link add "$LINK" mtu "$MTU" type veth peer name eth0 mtu "$MTU" netns server
  ip -n server link set lo up
  ip address add "$GATEWAY/32" dev "$LINK"
  ip link set "$LINK" up
  ip route replace "$ADDRESS/32" dev "$LINK" src "$EDGE"
  if [ -n "$NETWORK6" ]; then
    ip address add "$GATEWAY6/64" dev "$LINK" nodad
    ip route replace "$NETWORK6" dev "$LINK" src "$EDGE6"
  fi
}

run() {
  mkdir -p "$machine"
  echo "$BASHPID" >"$machine/cgroup.procs"
  volumes=()
  for file in "$DIRECTORY"/volumes/*; do
    if [ -e "$file" ]; then volumes+=("--bind=$(<"$file"):/dev/disk/by-id/scsi-0HC_Volume_${file##*/}"); fi
  done
  # Unit files of the server may want a read-write /proc/sys/net, as a virtual machine has it.
  export SYSTEMD_NSPAWN_API_VFS_WRITABLE=network
  exec systemd-nspawn --quiet --directory="$DIRECTORY/root" --machine="$NAME" --boot --register=no --keep-unit \
    --network-namespace-path=/run/netns/server --capability=CAP_NET_ADMIN --console=pipe --link-journal=no \
    --resolv-conf=off --timezone=off "${volumes[@]}"
}

while true; do
  plug_in
  status=0
  (run) || status=$?
  find "$machine" -depth -type d -exec rmdir {} + || echo "$NAME: its control group is still in use"
  # 133: the server asks to be started again (systemd-nspawn's way to say "reboot").
  if [ "$status" -ne 133 ]; then break; fi
done
ip link delete "$LINK"
exit "$status"
