# Clone one commit into a directory of this run.  $1 run  $2 clone URL  $3 commit
set -eu
umask 022
work=$HOME/builds/$1
# What killed runs left behind: nothing builds for a day.
[ ! -d "$HOME/builds" ] || find "$HOME/builds" -mindepth 1 -maxdepth 1 -mtime +0 -exec rm -rf {} +
rm -rf "$work"
mkdir -p "$work"
GIT_TERMINAL_PROMPT=0 GIT_SSH_COMMAND='ssh -o BatchMode=yes -o StrictHostKeyChecking=yes' \
    git clone --quiet --no-checkout -- "$2" "$work/source" >&2
cd "$work/source"
git cat-file -e "$3^{commit}" 2>/dev/null || { echo "commit $3 is not in $2" >&2; exit 1; }
git -c advice.detachedHead=false checkout --quiet --detach "$3" >&2
[ "$(git rev-parse HEAD)" = "$3" ] || { echo "the checkout is not at $3" >&2; exit 1; }
