
# --- the local Consul agent -----------------------------------------------------------------------------------

# The token reaches curl by a file descriptor: an argument would show in ps.
consul() { # curl arguments
    [ -z "$CONSUL_CACERT" ] || set -- --cacert "$CONSUL_CACERT" "$@"
    if [ -n "$token" ]; then
        curl -sS -m 10 --noproxy '*' -K /dev/fd/3 "$@" 3<<TOKEN
header = "X-Consul-Token: $token"
TOKEN
    else
        curl -sS -m 10 --noproxy '*' "$@"
    fi
}

put() { # PATH [curl arguments]
    local path="$1"; shift
    consul -f -o /dev/null -X PUT "$@" "$CONSUL_HTTP_ADDR$path"
}

read_token() {
    token=''
    [ -n "$CONSUL_TOKEN_FILE" ] || return 0
    { read -r token <"$CONSUL_TOKEN_FILE"; } 2>/dev/null || [ -n "$token" ] ||
        fail consul "The token file $CONSUL_TOKEN_FILE cannot be read; correct CONSUL_TOKEN_FILE in $ETC/converge.conf."
}

# Everything that is read from Consul, in one request after another over one connection.
ask() {
    local api="$CONSUL_HTTP_ADDR/v1" kept="$CONSUL_HTTP_ADDR/v1/kv/cicd/$project"
    local name=''
    set --
    for name in $RINGS; do
        name=${name%%=*}
        set -- "$@" -o "$HERE/wanted-$name" "$kept/wanted/$name?raw"
    done
    # shellcheck disable=SC2046  # one word a code
    set -- $(consul --fail-early -w '%{http_code} ' \
        -o "$HERE/self" "$api/agent/self" \
        -o "$HERE/services" "$api/agent/services" \
        -o "$HERE/checks" "$api/agent/checks?filter=%22_maintenance%22%20in%20CheckID" \
        -o "$HERE/catalog" "$api/catalog/node/$NODE?stale" \
        "$@" -o "$HERE/told" "$kept/hosts/$NODE?raw&stale" 2>/dev/null)
    require self "${1:-000}"
    require services "${2:-000}"
    require checks "${3:-000}"
    [ "${4:-000}" = 200 ] || echo null >"$HERE/catalog"
    [ $# -lt 4 ] || shift 4
    for name in $RINGS; do
        require_or_empty "wanted-${name%%=*}" "${1:-000}"
        [ $# -eq 0 ] || shift
    done
    read_agent
}

# Sets what the agent says of itself, the service and maintenance: one line each, in one call, whatever is in meta.
# Our own mark of maintenance is left by a run that was killed. What the catalog has of this node and the agent does not
# know was registered by another node.
read_agent() {
    local known="$NODE" answers='' name=''
    answers=$(jq -nr --arg service "$SERVICE" --arg rings "$RINGS" --arg stable "$STABLE_TAG" '
        def line: tostring | gsub("[[:cntrl:]]"; " ") | .[:500];
        def ours: [.[] | select(.Service == $service)];
        def places: map("\(.ID) at \(.Address):\(.Port)");
        input.Config.NodeName, (input | ours | places as $own | length, (first // {} |
            ((.Tags // []) as $tags | first($rings / " " | .[] | index("=") as $at | select(.[$at + 1:] as $tag |
                $tags | index([$tag])) | .[:$at]) // ""),
            (if .Tags // [] | index([$stable]) then "yes" else "no" end),
            .ID // "", .Address // "", .Port // 0,
            (.ID as $id | [input | .["_service_maintenance:\($id)", "_node_maintenance"] | values |
                .Notes | if . == "" then "no reason given" else . end] | last // "")),
            ($own | join(", ")), (input | .Services // {} | ours | places - $own | join(", ")))
        | line' "$HERE/self" "$HERE/services" "$HERE/checks" "$HERE/catalog" 2>/dev/null) ||
        fail consul "The answer of the Consul agent at $CONSUL_HTTP_ADDR is not Consul's JSON; look at it with curl. Nothing was changed."
    for name in NODE services ring stable service_id address port kept_out registered foreign; do IFS= read -r "${name?}" || true; done <<ANSWERS
$answers
ANSWERS
    is_made_of "$NODE" 'A-Za-z0-9._-' || { NODE=$known; fail consul "Consul's agent does not report the name of its node."; }
    [ "$NODE" = "$known" ] || foreign=''  # the catalog was asked about another node
    [ -z "$foreign" ] || say "$project: another node registered $foreign on this one"
    [ "$NODE" = "$known" ] && [ -e "$RUN/node" ] || printf '%s\n' "$NODE" >"$RUN/node"
}

# What is absent (404) is nothing wanted. Anything else that is no answer ends the run.
require_or_empty() { # NAME CODE
    if [ "$2" = 404 ]; then : >"$HERE/$1"; else require "$1" "$2"; fi
}

require() { # NAME CODE
    case $2 in
        200) ;;
        000) fail consul "The local Consul agent at $CONSUL_HTTP_ADDR does not answer; start it." ;;
        *) fail consul "Consul answered $2 for $1 ($(head -c 100 "$HERE/$1")); nothing was changed." ;;
    esac
}
