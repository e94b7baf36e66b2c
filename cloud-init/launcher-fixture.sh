#!/bin/bash
# launcher-fixture.sh ROOT COMMAND...: COMMAND where the directories that the launcher uses are those below ROOT, and what
# it tells the journal and asks of systemd goes to ROOT/run/audit and comes from nowhere.
set -euo pipefail
root=$1
shift
for directory in etc opt run var/lib; do mount --bind "$root/$directory" "/$directory"; done
mount --bind "$root/logger" /usr/bin/logger
mount --bind "$root/systemctl" /usr/bin/systemctl
exec "$@"
