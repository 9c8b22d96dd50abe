# Let this host run a project no more; its packages stay as they are.  $1 project  $2 its service in Consul
set -eu
sudo=
[ "$(id -u)" = 0 ] || sudo='sudo -n'
$sudo systemctl disable --quiet --now "cicd-converge-watch@$1.service" 2>/dev/null || true
$sudo rm -f "/etc/cicd/projects/$1.conf" "/etc/consul.d/cicd-$1.json"
$sudo systemctl kill --signal=HUP consul.service

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
deregister "service/deregister/$2"
deregister "check/deregister/cicd-converge:$1"
$sudo rm -rf "/var/lib/cicd-converge/$1"
