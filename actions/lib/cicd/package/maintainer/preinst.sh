
before_install() {
    : # @before_install@
}

# What the installed version started, and this one does not have.
stop_old_units() {
    [ -d /run/systemd/system ] && [ -f "$info/$package.prerm" ] || return 0
    sed -n "s/^units\\{0,1\\}='\\{0,1\\}\\([^']*\\)'\\{0,1\\}\$/\\1/p" "$info/$package.prerm" | head -n 1 | tr ' ' '\n' |
        while read -r unit; do
            [ -z "$unit" ] || among "$unit" "$units" || systemctl disable --quiet --now "$unit" || true
        done
}

case $action in
    install | upgrade)
        [ "$format" = rpm ] || keep_old_hooks
        [ -z "$before_install" ] || run before_install "$@"
        [ "$format" = rpm ] || { refuse_foreign_files; stop_old_units; move_links_aside; } ;;
esac
