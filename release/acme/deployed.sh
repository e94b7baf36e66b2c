#!/bin/bash
# certbot's deploy hook: the web front, and nothing else, takes the new certificate.
set -euo pipefail
# certbot does not wait for the disk; a server that goes now must not leave empty files on the volume to the next one.
sync --file-system /etc/letsencrypt
/opt/skerry/current/acme/certificate choose
systemctl reload nginx.service
