#!/bin/bash
# certbot's deploy hook: the web front, and nothing else, takes the new certificate.
set -euo pipefail
# certbot does not wait for the disk; a server that goes now must not leave empty files on the volume to the next one.
sync --file-system /etc/letsencrypt
# One link for certificate and key: nginx never sees the one without the other.
ln -sfn "$RENEWED_LINEAGE" /etc/skerry/web.new
mv --no-target-directory /etc/skerry/web.new /etc/skerry/web
systemctl reload nginx.service
