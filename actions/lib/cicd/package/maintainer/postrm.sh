
after_remove() {
    : # @after_remove@
}

after_purge() {
    : # @after_purge@
}

case $action in
    abort-install | abort-upgrade) [ "$format" = rpm ] || put_links_back ;;
    remove)
        ! systemd_runs || systemctl daemon-reload
        [ -z "$after_remove" ] || run after_remove "$@" ;;
    purge) [ -z "$after_purge" ] || run after_purge "$@" ;;
esac
