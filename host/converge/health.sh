
# --- health ---------------------------------------------------------------------------------------------------

# Sets $unit: its state, and when it entered it.
read_unit() {
    unit=''
    [ -z "$UNIT" ] || unit=$(systemctl show -p LoadState -p ActiveState -p ActiveEnterTimestampMonotonic "$UNIT" 2>/dev/null)
}

# Sets $inactive: UNIT, or what the package says stays active, that is not.
is_active() {
    inactive=''
    read_unit
    case $UNIT$unit in '' | *ActiveState=active*) ;; *) inactive=$UNIT; return 1 ;; esac
    for inactive in $lasting; do
        systemctl is-active --quiet "$inactive" || return 1
    done
}

# Sets $http: the HTTP status of the answer; 000 when nothing answered.
answers() {
    [ -n "$HEALTH_URL" ] || return 0
    http=$(curl -s -m 2 --noproxy '*' -o /dev/null -w '%{http_code}' "$HEALTH_URL") || return 1
    case $http in [23]??) ;; *) return 1 ;; esac
}

# Healthy means: one start of the unit, active and answering without a break, for MIN_HEALTHY_SECONDS.
prove_health() {
    now
    local from="$now" healthy_from='' proven=''
    while :; do
        if is_active && answers; then
            [ -n "$healthy_from" ] && [ "$unit" = "$proven" ] || { now; healthy_from=$now proven=$unit; }
            ! over "$healthy_from" "$MIN_HEALTHY_SECONDS" || break
        else
            healthy_from=''
        fi
        ! over "$from" "$HEALTH_LIMIT_SECONDS" || unhealthy
        sleep 0.2
    done
    now
    spent_health=$((now - from))
}

unhealthy() {
    spent_health=$((now - from))
    is_active || fail unit "$inactive of $project $version is not active; see \`journalctl -u $inactive\`."
    case $http in
        [45]??) fail health "$project $version answered $HEALTH_URL with status $http, not with 200 for $MIN_HEALTHY_SECONDS s within $HEALTH_LIMIT_SECONDS s; see \`journalctl -u $UNIT\`." ;;
        *) fail health "$project $version did not answer $HEALTH_URL for $MIN_HEALTHY_SECONDS s within $HEALTH_LIMIT_SECONDS s; see \`journalctl -u $UNIT\`." ;;
    esac
}

# The code that answers must be the code that was installed, whatever the package's own scripts did.
restart_if_old() { # what read_unit said before the installation
    [ -n "$UNIT" ] || return 0
    read_unit
    [ "$unit" != "$1" ] || systemctl restart "$UNIT" || true
}
