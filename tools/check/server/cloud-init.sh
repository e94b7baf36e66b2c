#!/bin/bash
# The rendered user_data, and the files it writes by the programs that will read them.
set -euo pipefail
# Deprecated keys are only mentioned: a finding, too.
output=$(cloud-init schema --config-file /check/user-data 2>&1) || { echo "$output"; exit 1; }
if grep -iq deprecated <<<"$output"; then
  echo "$output"
  exit 1
fi

cp -a /check/written/. /
for file in /etc/sudoers.d/*; do visudo --check --strict --file="$file"; done
install -d /run/sshd
ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
sshd -t
apt-config dump >/dev/null
