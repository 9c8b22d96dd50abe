# Print what lies between two commits, newest first.  $1 clone URL  $2 commit  $3 commit  $4 how many at most
# First line: how many only $3 has, how many only $2 has. Then one line each: commit, author, time, subject.
set -eu
umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Commits alone are enough: no tree and no file is fetched where the server can leave them out.
GIT_TERMINAL_PROMPT=0 GIT_SSH_COMMAND='ssh -o BatchMode=yes -o StrictHostKeyChecking=yes' \
    git clone --quiet --bare --filter=tree:0 -- "$1" "$work/mirror" >&2
cd "$work/mirror"
for commit in "$2" "$3"; do
    git rev-parse --quiet --verify "$commit^{commit}" >/dev/null || { echo "commit $commit is not in $1" >&2; exit 1; }
done
echo "$(git rev-list --count "$2..$3") $(git rev-list --count "$3..$2")"
ahead=$2..$3
[ "$(git rev-list --count "$ahead")" != 0 ] || ahead=$3..$2
git log --no-color --max-count="$4" --format='%H%x1f%an%x1f%ct%x1f%s' "$ahead" --
