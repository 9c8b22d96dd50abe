
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

attributes() {
    : # @attributes@
}

# What only this host knows, and rights that a builder leaves out; what an administrator has set by dpkg-statoverride
# stays.
give_attributes() {
    attributes | while IFS=: read -r owner group mode path; do
        [ -e "$path" ] && ! dpkg-statoverride --list "${path%/}" >/dev/null 2>&1 || continue
        case $path in */) deep=-R ;; *) deep='' ;; esac
        # shellcheck disable=SC2086  # an option or none
        chown -h $deep "$owner:$group" "$path"
        [ -z "$mode" ] || chmod "$mode" "$path"
    done
}

case $action in
    configure)
        [ "$format" = rpm ] || put_links
        # shellcheck disable=SC2086  # one word a file
        [ -z "$sysusers" ] || systemd-sysusers $sysusers
        [ -z "$user" ] || make_user
        give_attributes
        make_directories
        # shellcheck disable=SC2086
        [ -z "$tmpfiles" ] || systemd-tmpfiles --create $tmpfiles
        if [ -n "$after_install" ]; then
            cd "$prefix"
            "./$after_install" "$@"
        fi
        start_units "${2-}" ;;
    abort-remove | abort-upgrade) put_units_back ;;
esac
