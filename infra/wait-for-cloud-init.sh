#!/bin/sh
# Waits until cloud-init has prepared the server. Exit code 2 means "done, with warnings": good enough to go on.
cloud-init status --wait >/dev/null
code=$?
if [ "$code" -eq 0 ] || [ "$code" -eq 2 ]; then
  exit 0
fi
log=/var/log/cloud-init-output.log
{
  echo "cloud-init did not prepare the server (exit code $code). What it says:"
  cloud-init status --long
  if [ -r "$log" ]; then
    echo 'The end of its log:'
    tail -n 30 "$log"
  else
    echo "Its log may only be read as root: $log"
  fi
} >&2
exit 1
