# How cicd-converge asks the Consul agent of this host, by its settings.
CONSUL_HTTP_ADDR=http://127.0.0.1:8500 CONSUL_CACERT='' CONSUL_TOKEN_FILE=''
[ ! -r /etc/cicd/converge.conf ] || while IFS='=' read -r key value; do
    value=$(printf %s "$value" | tr -d "\"'")
    case $key in
        CONSUL_HTTP_ADDR) CONSUL_HTTP_ADDR=$value ;;
        CONSUL_CACERT) CONSUL_CACERT=$value ;;
        CONSUL_TOKEN_FILE) CONSUL_TOKEN_FILE=$value ;;
    esac
done </etc/cicd/converge.conf

# Print the status of the answer, 000 without one. The token reaches curl by its input.
ask() { # METHOD PATH TOKEN
    printf 'header = "X-Consul-Token: %s"\n' "$3" | curl --silent --max-time 10 --output /dev/null --write-out '%{http_code}' \
        ${CONSUL_CACERT:+--cacert "$CONSUL_CACERT"} --config - --request "$1" "$CONSUL_HTTP_ADDR/v1/$2" || true
}
