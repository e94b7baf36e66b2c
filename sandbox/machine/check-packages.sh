#!/bin/bash
# check-packages.sh: inside the root for checks: nginx and certbot beside what the base has already.
set -euo pipefail
echo 'Checkers: installing nginx and certbot'
apt-get update -q >&2
apt-get install -y -q --no-install-recommends nginx certbot >&2
