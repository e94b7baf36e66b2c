#!/bin/bash
# The release's systemd units, where `apply` puts them; what they start has to be there and executable.
set -euo pipefail
install -d /opt/skerry/runtime/bin
ln -s /check/release /opt/skerry/current
ln -s /bin/true /opt/skerry/runtime/bin/node
cp /check/release/systemd/* /etc/systemd/system/
install -D -m 0644 /check/release/drop-ins/nginx.service.conf /etc/systemd/system/nginx.service.d/skerry.conf
for unit in /check/release/mounts/*; do
  name=${unit##*/}
  sed 's/VOLUME_ID/1/g' "$unit" >"/etc/systemd/system/${name/VOLUME_ID/1}"
done
cd /etc/systemd/system
units=(nginx.service *.mount)
for unit in /check/release/systemd/*; do units+=("${unit##*/}"); done
# It reports what it ignores, an unknown key for one, without failing: any word is a finding.
output=$(systemd-analyze verify --man=no --recursive-errors=no "${units[@]}" 2>&1) || { echo "$output"; exit 1; }
[[ -z $output ]] || { echo "$output"; exit 1; }
