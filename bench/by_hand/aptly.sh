# Publish a package by hand.  $1 file  $2 signing key
set -eu
aptly -config=/etc/cicd/aptly.conf repo add cicd "$1" >/dev/null
aptly -config=/etc/cicd/aptly.conf publish update -batch -gpg-key="$2" bookworm >/dev/null 2>&1
rm "$1"
