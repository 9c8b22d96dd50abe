# Let this host run a project no more.  $1 project  $2 its service in Consul  $3… packages to remove; without, they stay
set -eu
project=$1 service=$2
shift 2
sudo=
[ "$(id -u)" = 0 ] || sudo='sudo -n'
$sudo systemctl disable --quiet --now "cicd-converge-watch@$project.service" 2>/dev/null || true
$sudo rm -f "/etc/cicd/projects/$project.conf" "/etc/consul.d/cicd-$project.json"
# A run that has begun would report, and register its check, once more.
lock=/run/cicd/$project/lock
if $sudo test -e "$lock"; then
    $sudo flock -w 45 "$lock" true || { echo "cicd-converge is at work on $project; try again" >&2; exit 1; }
fi
$sudo systemctl kill --signal=HUP consul.service
for package in "$@"; do
    [ -n "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -x installed)" ] || continue
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-auto-remove remove "$package" >/dev/null
done

CONSUL_HTTP_ADDR=http://127.0.0.1:8500 CONSUL_CACERT='' CONSUL_TOKEN_FILE=''
while IFS='=' read -r key value; do
    value=$(printf %s "$value" | tr -d "\"'")
    case $key in
        CONSUL_HTTP_ADDR) CONSUL_HTTP_ADDR=$value ;;
        CONSUL_CACERT) CONSUL_CACERT=$value ;;
        CONSUL_TOKEN_FILE) CONSUL_TOKEN_FILE=$value ;;
    esac
done </etc/cicd/converge.conf
token=
[ -z "$CONSUL_TOKEN_FILE" ] || token=$($sudo cat "$CONSUL_TOKEN_FILE")

# What is not registered is refused with an error, which is what we want. The token reaches curl by its input.
deregister() { # PATH
    printf 'header = "X-Consul-Token: %s"\n' "$token" | curl --silent --max-time 10 --output /dev/null \
        ${CONSUL_CACERT:+--cacert "$CONSUL_CACERT"} --config - --request PUT "$CONSUL_HTTP_ADDR/v1/agent/$1" || true
}
deregister "service/deregister/$service"
deregister "check/deregister/cicd-converge:$project"
$sudo rm -rf "/var/lib/cicd-converge/$project" "/run/cicd/$project"
