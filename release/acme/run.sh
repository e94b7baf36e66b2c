#!/bin/bash
# Asks for the web front's certificate until it is there; when there is one, certbot renews it only if it is due.
set -uo pipefail

# Let's Encrypt allows five failed attempts an hour: after 0, 1, 4, 13 and 40 minutes, then every hour.
delay=60
until timeout 300 certbot certonly --quiet --non-interactive --agree-tos --email "$SKERRY_ACME_EMAIL" \
  --server "$SKERRY_ACME_DIRECTORY" --webroot --webroot-path /var/www/skerry-acme --domain "$SKERRY_HOSTNAME" \
  --cert-name "$SKERRY_ACME_LINEAGE" --keep-until-expiring --deploy-hook /opt/skerry/current/acme/deployed; do
  echo "no certificate from $SKERRY_ACME_DIRECTORY: the next attempt is in $delay seconds"
  sleep "$delay"
  delay=$((delay * 3 < 3600 ? delay * 3 : 3600))
done

# Left undone when the last run ended between the certificate and its hook.
lineage=/etc/letsencrypt/live/$SKERRY_ACME_LINEAGE
[[ $(readlink /etc/skerry/web) == "$lineage" ]] || RENEWED_LINEAGE=$lineage /opt/skerry/current/acme/deployed
