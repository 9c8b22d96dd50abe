
# The installed version's own scripts are on the host already. In a package that was built before hooks had one meaning
# each they are the project's, and dpkg calls its postrm at upgrades and its preinst when an upgrade failed.
keep_old_hook() { # SCRIPT ACTIONS: from now on the installed SCRIPT does nothing but for these first arguments
    old=$info/$package.$1
    [ -f "$old" ] && ! grep -q '^# cicd: ' "$old" || return 0
    {
        printf '#!/bin/sh\n# cicd: as the project wrote it, for %s\nset -eu\n' "$2"
        printf 'case $1 in %s) ;; *) exit 0 ;; esac\npackage=%s\n' "$2" "$package"
        sed -n "/^run() {/,/^}/p" "$0"
        printf "hook() {\nbase64 -d <<'END'\n"
        base64 "$old"
        printf 'END\n}\nrun hook "$@"\n'
    } >"$old-new" && chmod 755 "$old-new" && mv -f "$old-new" "$old"
}

keep_old_hooks() { keep_old_hook postrm 'remove | purge' && keep_old_hook preinst 'install | upgrade'; }
