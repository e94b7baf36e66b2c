#!/bin/bash
# Both states of the server's own firewall: as cloud-init leaves it, and as the first release does.
set -euo pipefail
cp -a /check/written/. /
nft --check --file /etc/nftables.conf
cp /check/release/nftables.conf /etc/nftables.conf
cp /check/release/nftables/*.nft /etc/nftables.d/
nft --check --file /etc/nftables.conf
