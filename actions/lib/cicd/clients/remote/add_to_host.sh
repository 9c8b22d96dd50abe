# Let this host run a project.  $1 project  $2 folder with what it gets: conf, service, environment or none, token, empty without ACLs
set -eu
trap 'rm -rf "$2"' EXIT
sudo=
[ "$(id -u)" = 0 ] || sudo='sudo -n'
[ -x /usr/bin/cicd-converge ] || { echo "cicd-converge is not installed; docs/hosts.md says how" >&2; exit 1; }
[ -d /etc/consul.d ] || { echo "/etc/consul.d is missing: is Consul's agent installed?" >&2; exit 1; }

place() { # MODE GROUP SOURCE FILE
    $sudo install -m "$1" -g "$2" "$3" "$4.partial"
    $sudo mv -f "$4.partial" "$4"
}

. ./consul_agent.sh
group=root
! getent group consul >/dev/null || group=consul
if [ -s "$2/token" ]; then
    file=$CONSUL_TOKEN_FILE
    [ -n "$file" ] || { echo "/etc/cicd/converge.conf names no CONSUL_TOKEN_FILE, and Consul has ACLs" >&2; exit 1; }
    old='' known=''
    ! $sudo test -s "$file" || old=$($sudo cat "$file")
    [ -z "$old" ] || known=$(ask GET acl/token/self "$old")
    if [ -z "$old" ] || [ "$known" = 403 ]; then # Consul does not know what is there
        place 600 root "$2/token" "$file"
    elif [ "$known" = 000 ]; then
        echo "Consul's agent at $CONSUL_HTTP_ADDR does not answer" >&2
        exit 1
    elif [ "$old" != "$(cat "$2/token")" ]; then
        echo "$file has another token than the one that Consul describes as cicd-converge on this host" >&2
        exit 1
    fi
fi
$sudo mkdir -p /etc/cicd/projects
place 640 "$group" "$2/service" "/etc/consul.d/cicd-$1.json"
[ ! -e "$2/environment" ] || place 640 root "$2/environment" "/etc/default/$1"
place 644 root "$2/conf" "/etc/cicd/projects/$1.conf"
$sudo systemctl kill --signal=HUP consul.service
$sudo systemctl enable --quiet --now "cicd-converge-watch@$1.service"
