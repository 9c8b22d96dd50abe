# Say what keeps this host from building packages.
# $1 driver (auto, fpm, nfpm)  then for each project: clone URL, deploy key on this host or empty, file with a token or empty
set -eu
. ./git_login.sh
fail() { echo "$1" >&2; exit 1; }
command -v git >/dev/null || fail "git is not installed"
case $1 in
    auto) command -v fpm >/dev/null || command -v nfpm >/dev/null || fail "neither fpm nor nfpm is there" ;;
    *) command -v "$1" >/dev/null || fail "$1 is not installed" ;;
esac
shift
while [ $# -gt 0 ]; do
    log_in "$2" "$3"
    said=$(git_in ls-remote -- "$1" HEAD 2>&1 >/dev/null) ||
        fail "$1 cannot be read from here: $(printf '%s\n' "$said" | grep . | tail -n 1)"
    shift 3
done
