
# --- other software -------------------------------------------------------------------------------------------

# What an administrator has marked stays, and the host stays in traffic.
refuse_mark() {
    local one=''
    # shellcheck disable=SC2086  # one word a package
    one=$(dpkg-query -W -f '${db:Status-Want} ${Package}\n' $packages 2>/dev/null | sed -n '/^hold /{s///p;q}')
    [ -z "$one" ] ||
        fail apt_hold "An administrator holds $one on this host, so apt does not move it to $version; end that: apt-mark unhold $one"
}

# Over HTTP apt asks by whole seconds whether an index has changed: of two that were published within one second it
# keeps the first, until it looks as if it had seen none.
simulate() {
    local found='' failed=0
    found=$(informed apt_install --simulate --remove) || failed=$?
    case $failed$found in 0*) ;; *"was not found"* | *"Unable to locate package"*)
        find "$lists" -maxdepth 1 -name '*Release' -exec touch -d @0 {} +
        apt_update >/dev/null ;;
    esac
    printf '%s\n' "$found"
    return "$failed"
}

# A deploy moves its own packages, removes what its release has no more, and brings what they need; what else is on the
# host is not its business.
refuse_others() {
    local others=''
    others=$(list_others '$1 ~ /^(Remv|Purg)$/' "$MAY_REMOVE $obsolete")
    [ -z "$others" ] || refuse_with removal remove MAY_REMOVE
    others=$(list_others '$1 == "Inst" && $3 ~ /^[[]/' "$MAY_UPGRADE")
    [ -z "$others" ] || refuse_with upgrade "upgrade or downgrade" MAY_UPGRADE
}

# Prints names of packages, not ours and not ALLOWED, in the lines of $said that CONDITION takes.
list_others() { # CONDITION ALLOWED
    printf '%s\n' "$said" | awk -v own=" $packages $2 " "$1"' {
        name = $2
        sub(/:.*/, "", name)
        if (!index(own, " " name " ")) print name
    }' | sort -u | paste -sd ' ' -
}

refuse_with() { # CODE VERB SETTING
    fail "$1" "apt would $2 other software on this host to install $package $version: $others. Correct the dependencies, do it by hand first, or allow it in $ETC/projects/$project.conf: $3=\"$others\""
}
