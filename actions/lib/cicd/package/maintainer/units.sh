
systemd_runs() { [ -n "$units" ] && [ -d /run/systemd/system ]; }

among() { case " $2 " in *" $1 "*) ;; *) return 1 ;; esac; } # WORD WORDS

# Prints what an upgrade does not restart, and is to be started all the same: what is new, or was reloaded.
to_start() { # the version before, or nothing
    for unit in $started; do
        ! among "$unit" "$restarted" || continue
        among "$unit" "$reloaded" || [ -z "$1" ] || ! systemctl is-enabled --quiet "$unit" || continue
        printf ' %s' "$unit"
    done
}

# An exit status counts: a unit that does not start must not leave the old code running. A socket does not start beside
# its running service, so both stop before.
start_units() { # the version before, or nothing
    systemd_runs || return 0
    systemctl daemon-reload
    new=$(to_start "$1")
    # shellcheck disable=SC2086  # names of units, one word each
    {
        [ -z "$enabled" ] || systemctl enable --quiet $enabled
        [ -z "$stopped" ] || systemctl stop $stopped
        [ -z "$new" ] || systemctl start $new
    }
    for unit in $reloaded; do ! systemctl is-active --quiet "$unit" || systemctl reload "$unit"; done
    for unit in $restarted; do
        if among "$unit" "$started"; then systemctl restart "$unit"; else systemctl try-restart "$unit"; fi
    done
}

# They were stopped for a removal, or as none of the new version, and dpkg gave it up.
# shellcheck disable=SC2086
put_units_back() {
    systemd_runs || return 0
    [ -z "$enabled" ] || systemctl enable --quiet $enabled
    [ -z "$lasting" ] || systemctl start $lasting
}
