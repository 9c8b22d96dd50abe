
before_install() {
    : # @before_install@
}

case $action in
    install | upgrade)
        [ "$format" = rpm ] || keep_old_hooks
        [ -z "$before_install" ] || run before_install "$@"
        [ "$format" = rpm ] || { refuse_foreign_files; move_links_aside; } ;;
esac
