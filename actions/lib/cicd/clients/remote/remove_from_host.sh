# Let this host run a project no more.  $1 project  $2 its service in Consul  $3 its package
# $4… packages to remove; without, they stay
set -eu
project=$1 service=$2 own=$3
shift 3
sudo=
[ "$(id -u)" = 0 ] || sudo='sudo -n'

is_installed() { # PACKAGE
    dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed
}

$sudo systemctl disable --quiet --now "cicd-converge-watch@$project.service" 2>/dev/null || true
$sudo rm -f "/etc/cicd/projects/$project.conf" "/etc/consul.d/cicd-$project.json"
# A run that has begun would report, and register its check, once more.
lock=/run/cicd/$project/lock
if $sudo test -e "$lock"; then
    $sudo flock -w 45 "$lock" true || { echo "cicd-converge is at work on $project; try again" >&2; exit 1; }
fi
$sudo systemctl kill --signal=HUP consul.service
for package in "$@"; do
    is_installed "$package" || continue
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-auto-remove remove "$package" >/dev/null
done
# An application that goes on needs its environment, and a file that others wrote is theirs.
environment=/etc/default/$project
if ! is_installed "$own" && $sudo grep -qs '^# cicd wrote this: ' "$environment"; then $sudo rm -f "$environment"; fi

. ./consul_agent.sh
token=
[ -z "$CONSUL_TOKEN_FILE" ] || token=$($sudo cat "$CONSUL_TOKEN_FILE")

# What is not registered is refused, which is what we want.
ask PUT "agent/service/deregister/$service" "$token" >/dev/null
ask PUT "agent/check/deregister/cicd-converge:$project" "$token" >/dev/null
$sudo rm -rf "/var/lib/cicd-converge/$project" "/run/cicd/$project"
