#!/bin/bash
# certificate choose: the web front's is the public one or, as long as there is none that is whole, a self-signed one.
# certificate mend: what a crash left of the public one, or of the account, makes room for another: certbot would stumble over it.
set -euo pipefail

# shellcheck source=/dev/null
source "$(dirname "$(readlink -f "$0")")/acme.env"
etc=/etc/skerry
letsencrypt=/etc/letsencrypt
lineage=$letsencrypt/live/$SKERRY_ACME_LINEAGE

# is_pair DIRECTORY: whether it holds a certificate and the key to it.
is_pair() {
  local public
  public=$(openssl x509 -in "$1/fullchain.pem" -noout -pubkey 2>/dev/null) || return
  [[ $(openssl pkey -in "$1/privkey.pem" -pubout 2>/dev/null) == "$public" ]]
}

# A certificate that nobody trusts, so that nginx can start and answer the ACME server.
make_self_signed() {
  install -d -m 0700 "$etc/self-signed" "$1"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=$SKERRY_HOSTNAME" \
    -addext "subjectAltName=DNS:$SKERRY_HOSTNAME" -keyout "$1/privkey.pem" -out "$1/fullchain.pem" 2>/dev/null
}

choose() {
  local certificate=$lineage
  if ! is_pair "$lineage"; then
    certificate=$etc/self-signed/$SKERRY_HOSTNAME
    is_pair "$certificate" || make_self_signed "$certificate"
  fi
  [[ $(readlink "$etc/web" || true) != "$certificate" ]] || return 0
  # One link for certificate and key: nginx never sees the one without the other.
  ln -sfn "$certificate" "$etc/web.new"
  mv --no-target-directory "$etc/web.new" "$etc/web"
}

mend() {
  local parts=("$lineage" "$letsencrypt/archive/$SKERRY_ACME_LINEAGE" "$letsencrypt/renewal/$SKERRY_ACME_LINEAGE.conf")
  local damaged=() path
  # A file whose bytes never reached the disk is empty.
  if [[ -d $letsencrypt/accounts ]]; then
    mapfile -t damaged < <(find "$letsencrypt/accounts" -name '*.json' -empty -printf '%h\n' | sort --unique)
  fi
  if ! is_pair "$lineage" || [[ ! -s ${parts[2]} ]]; then
    for path in "${parts[@]}"; do [[ ! -e $path ]] || damaged+=("$path"); done
  fi
  ((${#damaged[@]} > 0)) || return 0
  echo "a crash has damaged what makes room for another now: ${damaged[*]}"
  rm -rf "${damaged[@]}"
  # What failed until now failed because of it.
  rm -f "$letsencrypt/skerry-attempts.json"
}

"$1"
