#!/bin/sh
# In the sandbox, as the build's user: unpack, build, pack.  $1 folder in which the build runs  $2 its path there
set -eu
folder=/build/$1 build=$2

fail() { echo "$1" >&2; exit 1; }

is_full() { df --output=avail / "$CICD_OUTPUT" 2>/dev/null | grep -qx ' *0' || grep -qs 'No space left on device' log; }

explain() { # STATUS
    tail -c 4000 log >&2 || true
    ! is_full || fail "$build filled its disk (package.build_disk)"
    fail "$build ended with $1"
}

# What runs on would be no part of the package, and might still change it.
end_others() {
    left=''
    for process in /proc/[0-9]*; do
        [ "$process" = "/proc/$$" ] || left="$left $(cat "$process/comm" 2>/dev/null || true)"
    done
    [ -z "$left" ] || kill -KILL -1 || true
    [ -z "$left" ] || echo "$build left running, and it was ended:$left" >&2
}

mkdir -p /build/home /build/cache "$CICD_OUTPUT" /tmp /var/tmp
cd /build
tar -x
touch -d '1 second ago' started  # files' times are some milliseconds coarse, and a build may be quicker
exec 3>&1
status=0
(cd "$folder" && exec env -u INVOCATION_ID -u SYSTEMD_EXEC_PID "./$build" </dev/null 3>&-) >log 2>&1 || status=$?
end_others
[ "$status" = 0 ] || explain "$status"
[ -z "$(ls -A "$CICD_OUTPUT")" ] || folder=$CICD_OUTPUT
[ "$folder" = /build/output ] || { rm -rf output && ln -s "$folder" output; }
socket=$(find output/. -type s -printf %P -quit)
[ -z "$socket" ] || fail "$build made $socket, a socket: a package has none"
set -- output/.
[ -z "$(find cache -newer started -print -quit)" ] || set -- "$@" cache
tar -c "$@" >&3
