# Publish a package by hand.  $1 file  $2 signing key, which freight.conf names
set -eu
freight add -c /etc/cicd/freight.conf "$1" apt/bookworm 2>/dev/null
freight cache -c /etc/cicd/freight.conf apt/bookworm 2>/dev/null
rm "$1"
