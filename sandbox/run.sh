#!/bin/sh
# Run a project's build with everything else out of its reach.
#   run NAME=VALUE ...   with every name that is `known` below; without `architecture` when it is built once
#       Standard input is a tar that has `cache`, and `folder`, in which the build runs; standard output is one of
#       `output`, and of `cache` when the build changed it.
#   run stop run=RUN     end the build of RUN, if it goes on
# Exit status 75: this host cannot run builds, another one may.
set -eu
umask 022
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
home=/usr/libexec/cicd-sandbox state=/run/cicd-sandbox slots='1 2 3 4'

refuse() { echo "$1" >&2; exit 1; }
lost() { echo "$1" >&2; exit 75; }

# Who asks is not trusted with more than this program does. One process looks at all, since each costs.
segment='[A-Za-z0-9_+@-][A-Za-z0-9._+@-]*'
known='run=[A-Za-z0-9][A-Za-z0-9-]{0,63}'
known="$known|project=[A-Za-z0-9][A-Za-z0-9._+-]{0,63}"
known="$known|prefix=(/$segment)+"
known="$known|(build|folder)=$segment(/$segment)*"
known="$known|network=(open|none)"
known="$known|(memory|cpu|seconds|disk)=[1-9][0-9]{0,6}"
known="$known|epoch=[0-9]{1,12}"
known="$known|version=[A-Za-z0-9.+~-]{1,200}"
known="$known|commit=[0-9a-f]{40}"
known="$known|architecture=[a-z0-9]{1,16}"
is_known() { # NAME=VALUE…
    status=0
    printf '%s\0' "$@" | grep -qzvxE "$known" || status=$?
    [ "$status" = 1 ]
}
check() { # NAME=VALUE…
    is_known "$@" || for word; do is_known "$word" || refuse "cicd-sandbox cannot take '$word'"; done
}

end_build() {
    for slot in $slots; do
        [ "$(cat "$state/$slot" 2>/dev/null)" != "$run" ] || systemctl stop "cicd-build-$slot.service"
    done
}

# A slot has a user of its own, so no two builds at a time share one. What a killed run left in it ends first.
take_slot() {
    mkdir -p "$state"
    for slot in $slots; do
        exec 9>>"$state/$slot"
        ! flock -n 9 || return 0
    done
    flock -w "$seconds" 9 || lost "every place for a build on this host was taken for $seconds s"
}

tidy() {
    systemctl stop "$name.service" 2>/dev/null || true
    { exec 8>&-; } 2>/dev/null
    wait
    ip netns delete "$name" 2>/dev/null || true
    : >"$state/$slot"
    rm -f "$state/$slot".*
}

# Out of a network of its own slirp4netns leads to the world, and not to this host's loopback addresses, where Consul's
# agent is. It ends with this script, which holds the other end of `alive`.
lead_out() {
    mkfifo "$state/$slot.ready" "$state/$slot.alive"
    exec 8<>"$state/$slot.alive"
    slirp4netns --configure --disable-host-loopback --netns-type=path --ready-fd=7 --exit-fd=6 \
        "/run/netns/$name" tap0 7>"$state/$slot.ready" 6<"$state/$slot.alive" 8>&- 9>&- </dev/null >"$state/$slot.log" 2>&1 &
    ready='' && read -r ready <"$state/$slot.ready" || true
    [ "$ready" = 1 ] || lost "no network for the build: $(tail -n 1 "$state/$slot.log")"
    echo 'nameserver 10.0.2.3' >"$state/$slot.resolver"
}

make_network() {
    ip netns add "$name" && ip -n "$name" link set lo up || lost 'no network for the build'
    if [ "$network" = open ]; then lead_out; fi
}

# Programs that were put into /opt, without those that lie where the application will be.
programs() {
    for path in /opt/*; do
        case $prefix/ in "$path"/*) ;; *) [ ! -e "$path" ] || printf ' %s' "$path" ;; esac
    done
}

# The application's own folder, so that what names its own place names the right one; but for a folder among the
# programs of this host, which cannot be covered.
output() {
    case $prefix in
        /usr/* | /etc/*) echo /build/output ;;
        *) echo "$prefix" ;;
    esac
}

# The root is a tmpfs of limited size, with nothing in it but this host's programs and settings, read-only.
properties() {
    size=size=${disk}M,nr_inodes=$((disk * 256))
    cat <<END
User=$name
WorkingDirectory=/
RuntimeMaxSec=$seconds
MemoryMax=$((memory + disk))M
CPUQuota=$cpu%
TasksMax=1024
LimitNPROC=1024
LimitCORE=0
KillSignal=SIGKILL
UMask=0022
TemporaryFileSystem=/:$size,mode=0777
TemporaryFileSystem=/run:size=1M,mode=0755
TemporaryFileSystem=/dev/shm:size=64M,mode=1777
TemporaryFileSystem=$CICD_OUTPUT:$size,mode=0777
BindReadOnlyPaths=/usr -/bin -/sbin -/lib -/lib32 -/lib64 /etc$(programs)
BindReadOnlyPaths=-$state/$slot.resolver:/etc/resolv.conf
InaccessiblePaths=-/etc/cicd -/etc/consul -/etc/consul.d
EnvironmentFile=-/etc/cicd/sandbox.env
NetworkNamespacePath=/run/netns/$name
PrivateDevices=yes
PrivateIPC=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
NoNewPrivileges=yes
CapabilityBoundingSet=
KeyringMode=private
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallFilter=~@keyring
SystemCallErrorNumber=EPERM
END
}

# Where things are is the same on every host, and so are the bytes that tell of it.
environment() {
    cat <<END
PATH=/usr/local/bin:/usr/bin:/bin
HOME=/build/home
LANG=C.UTF-8
TZ=UTC
CI=true
SOURCE_DATE_EPOCH=$epoch
CICD_ARCHITECTURE=$architecture
CICD_PROJECT=$project
CICD_VERSION=$version
CICD_COMMIT=$commit
CICD_CACHE=/build/cache
XDG_CACHE_HOME=/build/cache
npm_config_cache=/build/cache/npm
CICD_OUTPUT=$CICD_OUTPUT
END
}

# systemd-run says how the unit ended, after all that the build could say.
explain() { # STATUS SAID
    told='^(Running as unit|Finished with result|Main processes terminated|Service runtime|CPU time consumed)'
    result=$(printf '%s\n' "$2" | sed -n 's/^Finished with result: //p' | tail -n 1)
    said=$(printf '%s\n' "$2" | grep -vE "$told" || true)
    case $1$result in
        0success) [ -z "$said" ] || echo "$said" >&2 ;;
        1exit-code) refuse "$said" ;;
        *timeout) refuse "$build took longer than $seconds s (package.build_seconds)${said:+: $said}" ;;
        *oom-kill) refuse "$build took more memory than $memory MB (package.build_memory)${said:+: $said}" ;;
        *signal | *core-dump) refuse "$build was ended${said:+: $said}" ;;
        *) lost "the sandbox could not be made on this host (status $1): $said" ;;
    esac
}

build() {
    set --
    while IFS= read -r line; do set -- "$@" -p "$line"; done <<END
$(properties)
END
    while IFS= read -r line; do set -- "$@" -E "$line"; done <<END
$(environment)
END
    exec 3>&1
    said=$({
        status=0
        systemd-run --wait --pipe --collect --unit="$name" "$@" "$home/inside" "$folder" "$build" 2>&1 >&3 3>&- 8>&- 9>&- || status=$?
        echo "status=$status"
    } | tail -c 8000)
    explain "${said##*status=}" "${said%status=*}"
}

[ "$(id -u)" = 0 ] || refuse 'cicd-sandbox: run it by sudo'
wanted=build architecture=''
if [ "${1:-}" = stop ]; then wanted=stop && shift; fi
check "$@"
for word; do
    eval "${word%%=*}=\${word#*=}"
done
if [ "$wanted" = stop ]; then end_build "$run"; exit 0; fi
[ -d /run/systemd/system ] || lost 'this host does not run systemd'
take_slot
name=cicd-build-$slot CICD_OUTPUT=$(output)
[ ! -s "$state/$slot" ] || tidy
trap tidy EXIT
trap 'exit 1' HUP INT TERM
printf '%s' "$run" >"$state/$slot"
make_network
build
