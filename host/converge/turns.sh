
# --- turns ----------------------------------------------------------------------------------------------------

# What kept all hosts waiting, such as a repository that was away, ends for all of them in one moment. By itself a host
# leaves traffic only while half of the hosts of its users serve, and while it holds one of a few keys in Consul, so
# that not all leave at once. A deploy sees to that itself.
wait_for_turn() {
    local from='' others=0 serving=0 backend=''
    is_bound && count_others && [ "$others" -gt 0 ] || return 0
    open_session || say "Consul gives no session to this host's token, so $project only checks whether other hosts serve"
    now
    from=$now
    until hold_turn && count_others && [ $((serving * 2)) -ge $((others + 1)) ]; do
        ! over "$from" "$TURN_SECONDS" || { end_turn; rm -f "$KEPT/unfinished"
            finish held turn "$project serves on too few other hosts for this one to leave traffic; it waits for its turn."; }
        sleep 1
    done
}

# Of two projects of one host that install at once, one would wait for dpkg out of traffic.
wait_for_dpkg() {
    exec 7>"$RUN/install.lock"
    flock -w "$LOCK_SECONDS" 7 || { end_turn; rm -f "$KEPT/unfinished"
        fail locked "Another project of this host has been installing for $LOCK_SECONDS s; nothing was changed."; }
}

# Who does not serve has nothing to lose, and who repairs was asked to.
is_bound() { [ -z "$generation$kept_out" ] && [ "$repairing" = no ] && may_serve; }

# A load balancer sends the same users to all hosts with one tag. Sets $others, the other hosts with a ring's tag that
# this one carries, $serving, those of them whose checks all pass, and $backend, the last such ring.
count_others() {
    local counts=''
    counts=$(consul -f "$CONSUL_HTTP_ADDR/v1/health/service/$SERVICE?consistent" 2>/dev/null |
        jq -r --arg node "$NODE" --arg service "$SERVICE" --arg rings "$RINGS" --slurpfile here "$HERE/services" '
        [$here[0][] | select(.Service == $service) | .Tags // [] | .[]] as $own
        | [$rings / " " | .[] | index("=") as $at | [.[:$at], .[$at + 1:]] | select(.[1] | IN($own[]))] as $shared
        | [.[] | select(.Node.Node != $node and any(.Service.Tags // [] | .[]; IN($shared[][1])))
            | all(.Checks[]; .Status == "passing")]
        | "\(length) \(map(select(.)) | length) \($shared[-1][0])"')
    # shellcheck disable=SC2086  # its three words
    set -- $counts
    [ $# -eq 3 ] && others=$1 serving=$2 backend=$3
}

# The key goes with its session. A host that dies with it, or stays out of traffic, keeps the next one waiting.
open_session() {
    session=$(consul -f -X PUT --data-binary '{"Name":"cicd-converge","TTL":"300s","Behavior":"delete","LockDelay":"0s"}' \
        "$CONSUL_HTTP_ADDR/v1/session/create" 2>/dev/null | jq -r .ID)
    is_made_of "$session" '0-9a-f-' || { session=''; return 1; }
}

# There is a key for each quarter of the hosts, or part of one; which one a host takes follows from its name.
hold_turn() {
    local turn=''
    [ -n "$session" ] || return 0
    turn=$(printf '%s' "$NODE" | cksum)
    turn=$((${turn%% *} % ((others + 4) / 4)))
    [ "$(consul -f -X PUT --data-binary "$NODE" "$CONSUL_HTTP_ADDR/v1/kv/cicd/$project/turns/$backend/$turn?acquire=$session" 2>/dev/null)" = true ]
}

end_turn() {
    [ -z "$session" ] || put "/v1/session/destroy/$session" 2>/dev/null || true
    session=''
}
