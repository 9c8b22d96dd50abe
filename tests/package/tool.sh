#!/bin/sh
# In the place of a tool: does what the tool does. Where HOME_OF/fault says so, by a step, a tool and a pattern of the
# arguments, the host says in HOME_OF/reached that it got so far, and goes no further while that file is there.
tool=${0##*/}
# A script may have put a folder of its own before the one of these.
PATH=${PATH%%"$HOME_OF/tools:"*}${PATH#*"$HOME_OF/tools:"}
IFS=' ' read -r step which pattern 2>/dev/null <"$HOME_OF/fault" || exec "$tool" "$@"
[ "$STEP $tool" = "$step $which" ] || exec "$tool" "$@"
# shellcheck disable=SC2254  # it is a pattern
case "$*" in $pattern) ;; *) exec "$tool" "$@" ;; esac
case $tool in
    # In the middle of a download of the package, which is all that is ever downloaded.
    sftp-server)
        ls builds/*/out/*/*.deb >/dev/null 2>&1 || exec "$tool"
        "$tool" | { dd bs=1 count=20000 2>/dev/null; : >"$HOME_OF/reached"; exec sleep 600; } ;;
    rm) ;;
    *) "$tool" "$@" ;;
esac
code=$?
: >"$HOME_OF/reached"
while [ -e "$HOME_OF/reached" ]; do sleep 0.1; done
exit "$code"
