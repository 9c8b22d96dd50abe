
# The unit's exit status counts: one that does not start must not leave the old code running.
start_unit() {
    [ -n "$unit" ] && [ -d /run/systemd/system ] || return 0
    systemctl daemon-reload
    systemctl enable --quiet "$unit"
    systemctl restart "$unit"
}

make_user() {
    ! id -u "$user" >/dev/null 2>&1 || return 0
    group=--user-group
    ! getent group "$user" >/dev/null || group="--gid $user"
    # shellcheck disable=SC2086  # one option or two
    useradd --system $group --no-create-home --shell /usr/sbin/nologin "$user"
}

make_directories() {
    for directory in $directories; do
        if [ -n "$user" ]; then install -d -o "$user" -g "$(id -gn "$user")" "$directory"; else install -d "$directory"; fi
    done
}

case $action in
    configure)
        [ "$format" = rpm ] || put_links
        [ -z "$user" ] || make_user
        make_directories
        cd "$prefix"
        "./$after_install" "$@"
        start_unit ;;
    # prerm stopped the service for a removal that dpkg gave up.
    abort-remove) start_unit ;;
esac
