
# --- traffic --------------------------------------------------------------------------------------------------

maintenance() { # true|false
    put "/v1/agent/service/maintenance/$service_id?enable=$1&reason=cicd-converge%20is%20updating%20this%20host"
}

leave_to_operator() {
    [ -n "$kept_out" ] && [ "$kept_out" != "$MARK" ] || return 0
    sentence="$project is kept out of traffic on this host ($kept_out); end that maintenance, then converge again."
    [ -n "$generation" ] || finish held maintenance "$sentence"
    fail maintenance "$sentence"
}

# Load balancers need DRAIN_SECONDS to notice, and clients some more to be done.
drain() {
    now
    from=$now
    maintenance true || fail drain "Consul refused to take $SERVICE out of traffic; check the agent and its token."
    drained=yes
    ! is_active || wait_for_clients
    since "$from"; spent_drain=$spent
}

wait_for_clients() {
    sleep "$DRAIN_SECONDS"
    read_endpoint
    while [ -n "$endpoint" ] && is_connected; do
        ! over "$from" "$DRAIN_LIMIT_SECONDS" ||
            { say "clients of $project are still connected after $DRAIN_LIMIT_SECONDS s; going on"; return; }
        sleep 0.2
    done
}

# Sets $endpoint: where the service listens, as /proc/net/tcp writes it; any address when it is not IPv4.
read_endpoint() {
    is_number "$port" && [ "$port" -gt 0 ] || return 0
    case $address in
        *[!0-9.]* | '' | 0.0.0.0) endpoint=$(printf ':%04X' "$port") ;;
        *.*.*.*) endpoint=$(printf '%s\n' "$address" | { IFS=. read -r a b c d; printf '%02X%02X%02X%02X:%04X' "$d" "$c" "$b" "$a" "$port"; }) ;;
    esac
}

is_connected() {
    cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v end="$endpoint" '
        $4 == "01" && substr($2, length($2) - length(end) + 1) == end { found = 1; exit }
        END { exit !found }'
}

undrain() {
    maintenance false || fail drain "Consul refused to put $SERVICE back into traffic; check the agent and its token."
    drained=no
}

# After a failure: what runs may serve again when it is healthy; what failed its health check stays out.
undrain_if_serving() { # CODE
    [ "$drained" = yes ] || return 0
    case $1 in unit | health) ;; *)
        if [ -n "$installed" ] && is_active && answers; then
            maintenance false && drained=no
            return 0
        fi ;;
    esac
    say "$project stays out of traffic on this host"
}
