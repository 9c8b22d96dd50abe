# Remove what a run left on this host.  $1 run
set -eu
rm -rf "$HOME/builds/$1"
