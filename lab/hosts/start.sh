#!/bin/sh
# Becomes one host: joins its control groups, lays its disk over the base in a mount namespace of its own,
# and turns into the container. Runs under `unshare --mount`, so the machine never sees the mount.
# $1 folder of the host  $2 what lies below, joined by colons  $3 number of groups, then the groups, then the container's command
set -eu
folder=$1 lower=$2 groups=$3
shift 3
while [ "$groups" -gt 0 ]; do
    echo $$ >"$1/cgroup.procs"
    shift
    groups=$((groups - 1))
done
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$folder/upper,workdir=$folder/work" "$folder/root"
exec "$@"
