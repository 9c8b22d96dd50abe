# Remove what a run left on this host.  $1 run
set -eu
sandbox=/usr/libexec/cicd-sandbox/run work=$HOME/builds/$1
# While `made` is there, the project's own build may go on.
if [ -d "$work/made" ]; then
    [ ! -x "$sandbox" ] || sudo -n "$sandbox" stop "run=$1" 2>/dev/null || true
    chmod -R u+rwX "$work/made"
fi
rm -rf "$work"
