# Say what keeps this host from publishing.  $1 driver (auto, freight, aptly)  $2 its configuration file  $3 signing key
set -eu
case $1 in
    auto) command -v freight >/dev/null || command -v aptly >/dev/null || { echo "neither freight nor aptly is there" >&2; exit 1; } ;;
    *) command -v "$1" >/dev/null || { echo "$1 is not installed" >&2; exit 1; } ;;
esac
[ -r "$2" ] || { echo "$2 cannot be read" >&2; exit 1; }
gpg --batch --list-secret-keys "$3" >/dev/null 2>&1 || { echo "there is no secret key $3" >&2; exit 1; }
