
case $action in
    remove)
        [ -z "$before_remove" ] || (cd "$prefix" && "./$before_remove" "$@")
        [ -z "$unit" ] || [ ! -d /run/systemd/system ] || systemctl disable --quiet --now "$unit" ;;
esac
