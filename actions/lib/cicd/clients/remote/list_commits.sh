# Print what lies between two commits, newest first.  $1 clone URL  $2 commit  $3 commit  $4 how many at most
# $5 deploy key on this host or empty  $6 file with a token on this host or empty
# First line: how many only $3 has, how many only $2 has. Then one line each: commit, author, time, subject.
set -eu
umask 077
. ./git_login.sh
fail() { echo "$1" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Commits alone are enough: no tree and no file is fetched where the server can leave them out.
log_in "$5" "$6"
git_in clone --quiet --bare --filter=tree:0 -- "$1" "$work/mirror" >&2
cd "$work/mirror"
for commit in "$2" "$3"; do
    git rev-parse --quiet --verify "$commit^{commit}" >/dev/null || fail "commit $commit is not in $1"
done
echo "$(git rev-list --count "$2..$3") $(git rev-list --count "$3..$2")"
ahead=$2..$3
[ "$(git rev-list --count "$ahead")" != 0 ] || ahead=$3..$2
git log --no-color --max-count="$4" --format='%H%x1f%an%x1f%ct%x1f%s' "$ahead" --
