#!/bin/bash
# base-packages.sh SUITE: inside the new root: what a Debian cloud image holds, without kernel and boot loader.
set -euo pipefail
suite=$1

step() { echo "Debian $suite: $1"; }

update-ca-certificates >&2
step 'reading the package lists'
apt-get update -q >&2

packages=(
  systemd systemd-sysv systemd-timesyncd libpam-systemd dbus udev kmod procps
  cloud-init python3 openssh-server sudo cron logrotate
  netbase ifupdown isc-dhcp-client iproute2 iputils-ping nftables curl
  less vim-tiny gnupg apt-utils e2fsprogs locales-all- rsyslog-
)
# cloud-init would use them to set the network up in another way.
if [ "$suite" != bookworm ]; then packages+=(systemd-resolved- netplan.io-); fi
step 'installing what a cloud image holds'
apt-get install -y -q --no-install-recommends "${packages[@]}" >&2

# Servers ask for these at their first boot and find them downloaded; what the archives have newer they fetch.
step 'downloading what servers will ask for'
apt-get clean
apt-get install -y -q --download-only nginx certbot unattended-upgrades >&2

# What every server makes for itself at its first boot.
rm -rf /etc/ssh/ssh_host_* /var/lib/dbus/machine-id /var/lib/cloud/*
: >/etc/machine-id
