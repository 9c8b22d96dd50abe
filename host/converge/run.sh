
# --- one run --------------------------------------------------------------------------------------------------

# shellcheck disable=SC2317  # called by the trap
stopped() {
    trap '' TERM INT HUP
    [ "$finished" = yes ] || fail stopped "This run was stopped by a signal; run it again."
    exit 1
}

lock() {
    [ -d "$HERE" ] && [ -d "$KEPT" ] || mkdir -p "$HERE" "$KEPT"
    exec 9>"$HERE/lock"
    flock -w "$LOCK_SECONDS" 9 || fail lock "Another run has held the lock for $LOCK_SECONDS s; look at it with ps."
    trap stopped TERM INT HUP
    # Whoever reads our progress may go away; the host must not stay half-done for that.
    trap '' PIPE
}

converge() {
    read_settings
    lock
    keep_pins
    ask
    refuse_no_ring
    keep_stable_tag
    read_wanted
    refuse_older
    refuse_or_hold
    [ "$repairing" = yes ] || ! is_done || leave_as_it_is
    leave_to_operator
    wait_until_due
    say "$project: ${installed:-nothing} -> $version on $ring"
    read_unit; before=$unit
    # A run that was killed left the mark; should we fail, what runs may serve again.
    [ "$kept_out" != "$MARK" ] || drained=yes
    refuse_unfit
    refuse_foreign
    pin_wanted
    prepare
    drain
    install
    restart_if_old "$before"
    read_installed
    prove_health
    rm -f "$KEPT/unfinished" "$HERE/put_off"
    undrain
    note_run
    finish converged ok "$project $version is installed and healthy."
}

leave_as_it_is() {
    [ "$kept_out" != "$MARK" ] || undrain
    pin_wanted
    note_run
    [ -n "$generation" ] || verify
    finish unchanged ok "$project $version is installed and healthy."
}

usage() { say "usage: cicd-converge [--generation N | --repair | --changed | --leave] PROJECT | --all | --pin | --protocol | --version | --plan PACKAGE[,PACKAGE…]=VERSION PROJECT"; exit 2; }

main() {
    case ${1:-} in
        --all) converge_all; exit $? ;;
        --pin) pin_all; exit 0 ;;
        --protocol) echo "$PROTOCOL"; exit 0 ;;
        --version) echo "$AGENT"; exit 0 ;;
        --repair) repairing=yes; shift ;;
        --changed) watching=yes; shift ;;
        --leave) leaving=yes; shift ;;
        --generation)
            generation=${2:-}
            is_number "$generation" || usage
            shift 2 ;;
        --plan)
            target=${2:-}
            case $target in [!a-z0-9]* | *[!a-z0-9.+,-]*=* | =* | *= | *=*[!A-Za-z0-9.+~-]* | *=[!0-9]*) usage ;; *=*) ;; *) usage ;; esac
            shift 2 ;;
    esac
    [ $# -eq 1 ] || usage
    project=$1
    case $project in '' | [!A-Za-z0-9]* | *[!A-Za-z0-9._+-]*) usage ;; esac
    [ "$(id -u)" = 0 ] || { say "cicd-converge installs packages: run it as root, or with sudo"; exit 2; }
    [ -z "$target" ] || { plan "$target"; exit $?; }
    [ "$watching" = no ] || is_concerned || exit 0
    [ "$leaving" = no ] || { leave; exit 0; }
    converge
}

converge_all() {
    local settings='' failures=0
    for settings in "$ETC"/projects/*.conf; do
        [ -e "$settings" ] || continue
        settings=${settings##*/}
        "$0" "${settings%.conf}" || failures=1
    done
    return $failures
}

main "$@"
