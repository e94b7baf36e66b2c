#!/bin/bash
# The release's nginx configuration, where `apply` puts it; `nginx -t` also wants the certificates that it names.
set -euo pipefail
release=/check/release

certificate() {
  install -d "$(dirname "$1")" "$(dirname "$2")"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=check -out "$1" -keyout "$2" \
    2>/dev/null
}

certificate /etc/skerry/web/fullchain.pem /etc/skerry/web/privkey.pem
certificate /etc/skerry/nginx/proxy.crt /etc/skerry/nginx/proxy.key
cp /etc/skerry/nginx/proxy.crt /etc/skerry/nginx/authorities.pem
cp "$release"/nginx/*.conf /etc/nginx/
# A warning is a finding, too.
output=$(nginx -t -q 2>&1) || { echo "$output"; exit 1; }
[[ -z $output ]] || { echo "$output"; exit 1; }
