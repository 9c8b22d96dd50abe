
case $action in
    remove)
        [ -z "$before_remove" ] || (cd "$prefix" && "./$before_remove" "$@")
        # shellcheck disable=SC2086  # one word a unit
        ! systemd_runs || systemctl disable --quiet --now $units
        # What the application's own runs left there would keep dpkg from removing its folders.
        find "$prefix" -depth -name __pycache__ -exec rm -rf {} + ;;
esac
