
# --- traffic --------------------------------------------------------------------------------------------------

maintenance() { # true|false
    put "/v1/agent/service/maintenance/$service_id?enable=$1&reason=cicd-converge%20is%20updating%20this%20host"
}

leave_to_operator() {
    [ -n "$kept_out" ] && [ "$kept_out" != "$MARK" ] || return 0
    local sentence="$project is kept out of traffic on this host ($kept_out); end that maintenance, then converge again."
    [ -n "$generation" ] || finish held maintenance "$sentence"
    fail maintenance "$sentence"
}

# Load balancers need DRAIN_SECONDS to notice, and clients some more to be done.
drain() {
    wait_for_turn
    wait_for_dpkg
    now
    local from="$now"
    maintenance true || fail drain "Consul refused to take $SERVICE out of traffic; check the agent and its token."
    drained=yes disturbed=yes
    ! is_active || wait_for_clients
    now
    spent_drain=$((now - from))
}

# For a host that is retired. It waits for no turn: whoever retires it has asked whether others serve.
leave() {
    read_settings
    lock
    ask
    refuse_no_ring
    now
    local from="$now"
    put "/v1/agent/service/maintenance/$service_id?enable=true&reason=this%20host%20is%20retired" ||
        fail drain "Consul refused to take $SERVICE out of traffic; check the agent and its token."
    wait_for_clients
    say "$project on this host takes no more requests"
}

wait_for_clients() {
    local end=''
    sleep "$DRAIN_SECONDS"
    end=$(endpoint)
    while [ -n "$end" ] && is_connected "$end"; do
        ! over "$from" "$DRAIN_LIMIT_SECONDS" ||
            { say "clients of $project are still connected after $DRAIN_LIMIT_SECONDS s; going on"; return; }
        sleep 0.2
    done
}

# Prints where the service listens, as /proc/net/tcp writes it; any address when it is not IPv4.
endpoint() {
    is_number "$port" && [ "$port" -gt 0 ] || return 0
    case $address in
        *[!0-9.]* | '' | 0.0.0.0) printf ':%04X' "$port" ;;
        *.*.*.*) printf '%s\n' "$address" | { IFS=. read -r a b c d; printf '%02X%02X%02X%02X:%04X' "$d" "$c" "$b" "$a" "$port"; } ;;
    esac
}

is_connected() { # ENDPOINT
    cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v end="$1" '
        $4 == "01" && substr($2, length($2) - length(end) + 1) == end { found = 1; exit }
        END { exit !found }'
}

undrain() {
    maintenance false || fail drain "Consul refused to put $SERVICE back into traffic; check the agent and its token."
    drained=no
    end_turn
}

# After a failure: what runs may serve again when it is whole and healthy; what failed its proof stays out.
undrain_if_serving() { # CODE SENTENCE
    [ "$drained" = yes ] || return 0
    case $1 in unit | health | content) ;; *)
        if may_serve; then
            maintenance false && drained=no && end_turn
            [ "$disturbed" = no ] || [ "$1" = stopped ] || put_off "$1" "$2"
            return 0
        fi ;;
    esac
    say "$project stays out of traffic on this host"
}

may_serve() { is_whole && is_active && answers; }

# What is installed was proven once: it is not what an unfinished run was about to prove.
is_whole() {
    local unproven=''
    [ ! -r "$KEPT/unfinished" ] || read -r unproven <"$KEPT/unfinished"
    [ -n "$installed" ] && [ "$installed" != "$unproven" ]
}

# By itself, a host tries ever later what took it out of traffic for nothing: a push or a repair tries at once.
put_off() { # CODE SENTENCE
    local pause="$RETRY_SECONDS" again='' last_pause='' last_code='' last_sentence=''
    if read_put_off; then pause=$((last_pause * 2)); fi
    [ "$pause" -le $((RETRY_SECONDS * 10)) ] || pause=$((RETRY_SECONDS * 10))
    now
    printf '%s %s %s %s\n%s\n' "$wanted_generation" $((now + pause * 100)) "$pause" "$1" "$(printf '%s' "$2" | tr '\n' ' ')" >"$HERE/put_off"
}

# Sets $again, $last_pause, $last_code and $last_sentence of the caller.
read_put_off() {
    local of=''
    [ -r "$HERE/put_off" ] || return 1
    { read -r of again last_pause last_code; IFS= read -r last_sentence; } <"$HERE/put_off"
    [ "$of" = "$wanted_generation" ]
}

wait_until_due() {
    local again='' last_pause='' last_code='' last_sentence=''
    [ -z "$generation" ] && [ "$repairing" = no ] && read_put_off || return 0
    over "$again" 0 || fail "$last_code" "$last_sentence"
}

# A load balancer that sends the canary a share of the requests sends the others to hosts with STABLE_TAG: Consul's DNS
# cannot be asked for hosts without a tag.
keep_stable_tag() {
    local wanted=no
    [ -n "$STABLE_TAG" ] || return 0
    ! is_after_canary || wanted=yes
    [ "$stable" = "$wanted" ] || register_stable "$wanted" ||
        say "Consul does not let $SERVICE be registered with the tag $STABLE_TAG changed; check the agent's token"
}

# The canary is the ring of that name, or else the first one.
is_after_canary() {
    local canary="${RINGS%%=*}" name='' passed=1
    case " $RINGS" in *' canary='*) canary=canary ;; esac
    for name in $RINGS; do
        name=${name%%=*}
        [ "$name" != "$ring" ] || return "$passed"
        [ "$name" != "$canary" ] || passed=0
    done
}

# The service's checks stay: a registration that names none touches none.
register_stable() { # yes|no
    say "$project: the tag $STABLE_TAG is set: $1"
    jq --arg id "$service_id" --arg tag "$STABLE_TAG" --arg wanted "$1" '.[$id] | {
        ID, Name: .Service, Tags: (((.Tags // []) - [$tag]) + if $wanted == "yes" then [$tag] else [] end),
        Meta, Port, Address, TaggedAddresses, Weights, EnableTagOverride
    } | with_entries(select(.value != null))' "$HERE/services" | put /v1/agent/service/register --data-binary @-
}
