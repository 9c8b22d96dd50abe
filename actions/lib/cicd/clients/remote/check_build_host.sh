# Say what keeps this host from building packages.  $1 driver (auto, fpm, nfpm)  $2... clone URLs
set -eu
command -v git >/dev/null || { echo "git is not installed" >&2; exit 1; }
case $1 in
    auto) command -v fpm >/dev/null || command -v nfpm >/dev/null || { echo "neither fpm nor nfpm is there" >&2; exit 1; } ;;
    *) command -v "$1" >/dev/null || { echo "$1 is not installed" >&2; exit 1; } ;;
esac
shift
for url; do
    GIT_TERMINAL_PROMPT=0 GIT_SSH_COMMAND='ssh -o BatchMode=yes -o StrictHostKeyChecking=yes' \
        git ls-remote -- "$url" HEAD >/dev/null 2>&1 || { echo "$url cannot be read from here" >&2; exit 1; }
done
