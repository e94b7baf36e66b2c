#!/bin/bash
# Makes the server what this release says: run by skerry-release, with the secrets (JSON) on standard input.
# Every step looks first: applied again, it changes nothing and disturbs nobody.
set -euo pipefail
export LC_ALL=C
umask 022

release=$(dirname "$(readlink -f "$0")")
etc=/etc/skerry
node=/opt/skerry/runtime/bin/node
started=$(date +%s)
# shellcheck source=/dev/null
source "$release/acme/acme.env"

# put SOURCE TARGET: writes the target only when it differs, and whole, whenever the power goes.
put() {
  cmp --silent "$1" "$2" && return
  install -m 0644 "$1" "$2.new"
  sync "$2.new"
  mv "$2.new" "$2"
}

# fingerprint FILE...: of the contents, in this order
fingerprint() {
  local file
  for file; do sha256sum <"$file"; done | sha256sum | cut -d' ' -f1
}

# made_from NAME FINGERPRINT: whether NAME was last made from the same. Before a step begins it is forgotten and only when it
# is done remembered, so that a run which ends half way is made good by the next one.
made_from() { [[ -f $etc/made/$1 && $(<"$etc/made/$1") == "$2" ]]; }
forget() { rm -f "$etc/made/$1"; }
remember() { echo "$2" >"$etc/made/$1"; }

# enable UNIT...: each enabling has systemd read all its units again, so only where it is needed.
enable() {
  local unit missing=()
  for unit; do systemctl is-enabled --quiet "$unit" || missing+=("$unit"); done
  ((${#missing[@]} == 0)) || systemctl enable --quiet "${missing[@]}"
}

# Started, a program for another machine would say "Exec format error", and not which it is.
machine() {
  local wanted found
  case $(uname -m) in
    x86_64) wanted='3e 00' ;; # e_machine of the ELF header, elf(5)
    aarch64) wanted='b7 00' ;;
    *) wanted=unknown ;;
  esac
  found=$(od --address-radix=n --format=x1 --skip-bytes=18 --read-bytes=2 "$node" | xargs)
  [[ $found == "$wanted" ]] && return
  echo "apply: the release's Node is not for this server, which is $(uname -m): is the server type the one that the stack names?"
  return 1
}

secrets() {
  install -d -m 0700 "$etc" "$etc/made"
  "$node" "$release/secrets.mjs" "$etc"
}

firewall() {
  local file
  install -d "/etc/nftables.d"
  for file in "$release"/nftables/*.nft; do nft --check --file "$file"; done
  put "$release/nftables/metadata.nft" /etc/nftables.d/metadata.nft
  put "$release/nftables/skerry.nft" /etc/nftables.d/skerry.nft
  put "$release/nftables.conf" /etc/nftables.conf
  enable nftables.service
  # Loaded always: rules that someone has changed by hand come back; open connections are not touched.
  systemctl reload-or-restart nftables.service
}

# Before anything that runs is touched.
attached() { "$release/volume" wait "$(<"$etc/volume")"; }

# Where the data is, is told in confidence with the secrets: another volume is not another release.
render_mounts() {
  local unit id
  id=$(<"$etc/volume")
  rm -rf "$etc/mounts"
  install -d "$etc/mounts"
  for unit in "$release"/mounts/*; do sed "s/VOLUME_ID/$id/g" "$unit" >"$etc/mounts/$(basename "${unit/VOLUME_ID/$id}")"; done
}

units() {
  local unit installed now
  render_mounts
  for installed in /etc/systemd/system/{skerry-*.*,mnt-HC_Volume_*.mount}; do
    unit=${installed##*/}
    if [[ -f $installed && ! -f $release/systemd/$unit && ! -f $etc/mounts/$unit ]]; then
      # A volume is let go only when nothing is mounted from it any more.
      [[ $unit == *.mount ]] || systemctl disable --quiet --now "$unit"
      rm "$installed"
    fi
  done
  for unit in "$release"/systemd/* "$etc"/mounts/*; do put "$unit" "/etc/systemd/system/${unit##*/}"; done
  for installed in /etc/systemd/system/*.d/skerry.conf; do
    unit=${installed#/etc/systemd/system/}
    [[ ! -f $installed || -f $release/drop-ins/${unit%.d/*}.conf ]] || rm "$installed"
  done
  for unit in "$release"/drop-ins/*; do
    installed=/etc/systemd/system/$(basename "$unit" .conf).d
    install -d "$installed"
    put "$unit" "$installed/skerry.conf"
  done
  now=$(fingerprint "$release"/{systemd,drop-ins}/* "$etc"/mounts/*)
  if ! made_from units "$now"; then
    forget units
    systemctl daemon-reload
    remember units "$now"
  fi
  systemctl reset-failed 'skerry-*'
  enable skerry-broker.service "${sockets[@]}" skerry-acme.timer
}

volume() { "$release/volume" lay "$(<"$etc/volume")"; }

# The new broker reads its settings and files before the old one is stopped. Where it listens is said for form's sake.
check_broker() {
  local credentials
  mapfile -t credentials < <(sed -n 's/^LoadCredential=/--property=&/p' "$release/systemd/skerry-broker.service")
  systemd-run --quiet --wait --pipe --collect --property=User=skerry --property="EnvironmentFile=$release/broker.env" \
    --setenv=SKERRY_LISTEN_MQTT=127.0.0.1:0 "${credentials[@]}" "$node" "$release/broker.mjs" --check-config </dev/null
}

broker() {
  local now
  now="$(fingerprint "$release"/broker.{mjs,env} "$release"/systemd/skerry-broker.service \
    "${sockets[@]/#/$release/systemd/}" "$etc"/broker/*) $(readlink /opt/skerry/runtime)"
  if ! made_from broker "$now"; then
    check_broker
    forget broker
    # A socket takes its new settings only while nobody uses it.
    if ! made_from sockets "$(fingerprint "${sockets[@]/#/$release/systemd/}")"; then
      forget sockets
      systemctl stop skerry-broker.service "${sockets[@]}"
    fi
    systemctl start "${sockets[@]}"
    systemctl restart skerry-broker.service
    remember sockets "$(fingerprint "${sockets[@]/#/$release/systemd/}")"
    remember broker "$now"
  fi
  systemctl start "${sockets[@]}" skerry-broker.service
}

web() {
  local now certificate
  install -d /var/lib/letsencrypt /var/log/letsencrypt /var/www/skerry-acme
  certificate=$(readlink "$etc/web" || true)
  "$release/acme/certificate" choose
  [[ $(readlink "$etc/web") == "$certificate" ]] || forget web
  put "$release/nginx/nginx.conf" /etc/nginx/nginx.conf
  put "$release/nginx/skerry.conf" /etc/nginx/skerry.conf
  now=$(fingerprint "$release"/nginx/*.conf "$etc"/nginx/*)
  enable nginx.service
  if ! made_from web "$now"; then
    forget web
    nginx -t -q
    systemctl reload-or-restart nginx.service
    remember web "$now"
  fi
  systemctl start nginx.service
}

# The release's own timer renews; Debian's would do it at its own times, without our back-off.
acme() {
  ! systemctl is-enabled --quiet certbot.timer || systemctl disable --quiet --now certbot.timer
  systemctl start skerry-acme.timer
  # An attempt for the same name and CA goes on undisturbed.
  if ! made_from acme "$(fingerprint "$release"/acme/*)"; then
    systemctl stop --quiet skerry-acme.service
    remember acme "$(fingerprint "$release"/acme/*)"
  fi
  [[ $(readlink "$etc/web") == "/etc/letsencrypt/live/$SKERRY_ACME_LINEAGE" ]] || systemctl start --no-block skerry-acme.service
}

health() {
  systemctl start skerry-health.service
}

# Shows what the services said since the start, for whoever has to mend it.
explain() {
  local unit
  trap - ERR
  echo "apply: $step failed"
  for unit in skerry-broker skerry-health nginx; do
    journalctl --quiet --no-pager --output cat --lines 15 --since "@$started" --unit "$unit.service" | sed "s/^/$unit: /" || true
  done
}

sockets=()
for socket in "$release"/systemd/*.socket; do sockets+=("${socket##*/}"); done
trap 'explain' ERR
set -o errtrace
for step in machine secrets firewall attached units volume broker web acme health; do
  "$step"
done
