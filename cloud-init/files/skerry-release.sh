#!/bin/bash
# The one command that deploy may run as root: checks an uploaded release, applies it, goes back when it is not healthy.
set -euo pipefail
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
umask 022

incoming=/var/lib/skerry-incoming
base=/opt/skerry
applied=/etc/skerry/applied # the last release that was healthy: "RELEASE RUNTIME", then its secrets
lock=/run/skerry-release.lock
releases_kept=5
runtimes_kept=2
archive_limit=$((256 << 20))
unpacked_limit=$((1 << 30))
secrets_limit=$((1 << 20))
hash='^[0-9a-f]{64}$'

usage() {
  cat <<'USAGE'
skerry-release apply RELEASE RUNTIME   apply an uploaded release; secrets (JSON) on standard input
skerry-release status                  what is applied and what runs
skerry-release --help                  this text

RELEASE and RUNTIME are the SHA-256 (64 hexadecimal digits) of the archives
release-RELEASE.tar.gz and runtime-RUNTIME.tar.gz in /var/lib/skerry-incoming.
USAGE
}

audit() {
  logger -t skerry-release -- "$* (by ${SUDO_USER:-root})" || true
}

fail() {
  printf 'skerry-release: %s\n' "$*" >&2
  exit 1
}

# Refuses everything but plain files and directories with plain names below the archive's root.
check_members() {
  local mode owner size date time name total=0
  # --full-time keeps the fields in place; a name with other characters would be ambiguous here and is refused below.
  while read -r mode owner size date time name; do
    : "$owner$date$time"
    case $mode in
      -* | d*) ;;
      *) fail "$1 holds something that is neither a file nor a directory: $name" ;;
    esac
    [[ $name =~ ^[A-Za-z0-9_@.-][A-Za-z0-9_@./-]*$ && /$name/ != */../* ]] || fail "$1 holds an unsafe name: $name"
    total=$((total + size))
    ((total <= unpacked_limit)) || fail "$1 unpacks to more than $unpacked_limit bytes"
  done < <(tar --list --verbose --gzip --numeric-owner --full-time --file "$2" || echo unreadable)
}

# unpack KIND HASH PROGRAM: from the upload to its own directory, unless it is there already.
unpack() {
  local upload=$incoming/$1-$2.tar.gz target=$base/$1s/$2 partial=$base/$1s/$2.partial
  if [[ ! -d $target ]]; then
    [[ -f $upload && ! -L $upload ]] || fail "$upload is not there: upload it, with pulumi up --replace '**CopyToRemote::$1'"
    rm -rf "$partial"
    mkdir -p "$partial"
    # Hashed as a copy: the upload's owner could change it between the check and the use.
    (umask 077 && head -c "$((archive_limit + 1))" <"$upload" >"$partial.archive")
    if ! echo "$2  $partial.archive" | sha256sum --check --status; then
      rm -rf "$partial" "$partial.archive" "$upload"
      fail "$upload does not have the SHA-256 in its name: upload it again, with pulumi up --replace '**CopyToRemote::$1'"
    fi
    check_members "$upload" "$partial.archive"
    # --touch: the archive's times are all the same, but web caches tell files apart by them.
    tar --extract --gzip --touch --no-same-owner --no-same-permissions --directory "$partial" --file "$partial.archive"
    rm "$partial.archive"
    [[ -x $partial/$3 ]] || fail "$upload holds no program $3"
    # What has its final name is whole, whenever the power goes.
    sync --file-system "$partial"
    mv --no-target-directory "$partial" "$target"
    sync "$base/$1s"
  fi
  rm -f "$upload"
}

point() { # point LINK TARGET: in one step, so that a link is never missing
  ln -sfn "$2" "$1.new" && mv --no-target-directory "$1.new" "$1"
}

activate() { # activate RELEASE RUNTIME SECRETS LOG
  # Called in conditions, where bash does not stop at a failure by itself. The lock stays open in `apply`: should the
  # launcher be killed, the next one waits for what still runs.
  point "$base/current" "releases/$1" &&
    point "$base/runtime" "runtimes/$2" &&
    touch "$base/releases/$1" "$base/runtimes/$2" &&
    sync "$base" &&
    "$base/releases/$1/apply" <"$3" >"$4" 2>&1
}

prune() { # prune DIRECTORY NUMBER: the newest stay; the current one is the newest
  find "$1" -mindepth 1 -maxdepth 1 -name '*.partial*' -exec rm -rf {} +
  # Renamed first: what is left of a release when this ends half way must not pass for one.
  find "$1" -mindepth 1 -maxdepth 1 -type d ! -name '*.partial' -printf '%T@ %p\n' | sort -rn | tail -n "+$(($2 + 1))" |
    cut -d' ' -f2- | xargs --no-run-if-empty -I {} mv {} {}.partial
  find "$1" -mindepth 1 -maxdepth 1 -name '*.partial*' -exec rm -rf {} +
}

read_applied() { # sets old_release and old_runtime, empty when there is none
  old_release='' old_runtime=''
  [[ ! -f $applied ]] || read -r old_release old_runtime <"$applied" || true
  [[ $old_release =~ $hash && $old_runtime =~ $hash ]] || old_release='' old_runtime=''
}

apply() {
  local release=$1 runtime=$2 work
  exec 9>"$lock"
  flock --timeout 600 9 || fail 'another release is being applied and does not finish: look at it with "skerry-release status"'
  rm -rf /run/skerry-release.????????
  work=$(mktemp -d /run/skerry-release.XXXXXXXX)
  # shellcheck disable=SC2064 # expanded now: the variable is local
  trap "rm -rf '$work'" EXIT
  umask 077
  head -c "$((secrets_limit + 1))" >"$work/secrets"
  [[ -s $work/secrets ]] || fail 'no secrets came on standard input'
  (($(stat -c %s "$work/secrets") <= secrets_limit)) || fail "more than $secrets_limit bytes of secrets came on standard input"
  umask 022

  read_applied
  [[ -z $old_release ]] || (umask 077 && tail -n +2 "$applied" >"$work/old-secrets")
  unpack release "$release" apply
  unpack runtime "$runtime" bin/node

  if activate "$release" "$runtime" "$work/secrets" "$work/log"; then
    cat "$work/log"
    (umask 077 && { echo "$release $runtime" && cat "$work/secrets"; } >"$applied.new")
    sync "$applied.new"
    mv "$applied.new" "$applied"
    sync "${applied%/*}"
    prune "$base/releases" "$releases_kept"
    prune "$base/runtimes" "$runtimes_kept"
    audit "release $release applied"
    echo "release $release is applied"
    return
  fi
  if [[ -z $old_release ]]; then
    audit "release $release failed, there is no earlier one"
    tail -n 40 "$work/log" >&2
    fail "release $release failed and there is no earlier one to go back to; the reason is above"
  fi
  if activate "$old_release" "$old_runtime" "$work/old-secrets" "$work/old-log"; then
    audit "release $release failed, went back to $old_release"
    tail -n 40 "$work/log" >&2
    fail "release $release failed and release $old_release runs again; the reason is above"
  fi
  audit "release $release failed, going back to $old_release failed too"
  tail -n 20 "$work/log" "$work/old-log" >&2
  fail "release $release failed, and so did going back to $old_release; the reasons are above"
}

status() {
  local started
  read_applied
  echo "release ${old_release:-none}"
  echo "runtime ${old_runtime:-none}"
  started=$(readlink "$base/current" || true)
  [[ ${started#releases/} == "$old_release" ]] ||
    echo "unfinished ${started#releases/}: being applied, or interrupted; then run \"pulumi up\" again"
  [[ ! -f $base/current/status.mjs ]] || "$base/runtime/bin/node" "$base/current/status.mjs" || true
  systemctl list-units --all --plain --no-legend --no-pager 'skerry-*' nginx.service nftables.service \
    var-lib-skerry.mount etc-letsencrypt.mount |
    while read -r unit _ active sub _; do echo "$unit $active ($sub)"; done
}

main() {
  case "${1-}" in
    --help)
      (($# == 1)) || fail 'wrong arguments: see skerry-release --help'
      usage
      ;;
    status)
      (($# == 1)) || fail 'wrong arguments: see skerry-release --help'
      status
      ;;
    apply)
      [[ $# -eq 3 && $2 =~ $hash && $3 =~ $hash ]] || fail 'wrong arguments: see skerry-release --help'
      ((EUID == 0)) || fail 'only root can apply a release: use sudo'
      apply "$2" "$3"
      ;;
    *) fail 'wrong arguments: see skerry-release --help' ;;
  esac
}

main "$@"
