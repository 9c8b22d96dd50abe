# Bring one commit into a directory of this run, by way of a mirror into which later runs fetch only what is new.
# $1 run  $2 project  $3 clone URL  $4 commit  $5 seconds after which an idle run is dead
# $6 deploy key on this host or empty  $7 file with a token on this host or empty  $8 the project's folder in the
# repository or empty: `source` is that folder then, and `repository` beside it the whole commit
set -eu
umask 022
export LC_ALL=C
. ./git_login.sh
project=$2 url=$3 commit=$4 directory=${8:-}
builds=$HOME/builds work=$HOME/builds/$1 mirror=$HOME/mirrors/$2.git

# 75: this host cannot go on, another one may.
fail() {
    rm -rf "$work"
    echo "$1" >&2
    case $1 in
        *'No space left'* | *'Disk quota'* | *'Read-only file system'* | *'Input/output error'*) exit 75 ;;
        *) exit 1 ;;
    esac
}

# What killed runs left behind: idle for too long, or from before this host started.
sweep() {
    now=$(date +%s)
    dead=$((now - $1)) boot=$((now - $(ps -o etimes= -p 1)))
    [ "$boot" -lt "$dead" ] || dead=$boot
    # find complains of what other runs remove meanwhile.
    find "$builds" -mindepth 1 -maxdepth 1 ! -newermt "@$dead" -exec chmod -R u+rwX {} + -exec rm -rf {} + 2>/dev/null || true
}

# What the host's own git configuration says must not change the bytes.
mirror_git() {
    git_in --git-dir="$mirror" -c core.autocrlf=false -c core.abbrev=40 -c tar.umask=0022 -c gc.auto=0 "$@"
}

# With --missing git does not fetch the commit, and all its files, just to answer.
has_commit() { mirror_git rev-list --quiet --no-walk --missing=print "$commit" >/dev/null 2>&1; }

make_mirror() {
    mkdir -p "$mirror" && git init --quiet --bare "$mirror" &&
        mirror_git config remote.origin.promisor true &&
        mirror_git config remote.origin.partialCloneFilter blob:none
}

fetch() { mirror_git fetch --quiet --no-tags --no-write-fetch-head --filter=blob:none "$@" 2>&1; }

# A commit that no branch reaches any more, after a force push, is asked for by its name.
bring() {
    [ -e "$mirror/HEAD" ] || make_mirror 2>&1 || return 1
    mirror_git config remote.origin.url "$url"
    has_commit || fetch --prune origin '+refs/heads/*:refs/heads/*' || return 1
    has_commit || fetch origin "$commit" >/dev/null || { echo "commit $commit is not in $url"; return 1; }
    missing=$(mirror_git rev-list --objects --no-walk --missing=print "$commit" 2>&1) || { echo "$missing"; return 1; }
    missing=$(printf '%s\n' "$missing" | sed -n 's/^?//p')
    [ -z "$missing" ] || printf '%s\n' "$missing" | fetch --stdin origin
}

# Each run leaves a pack, a killed one also a half of one, and what no branch reaches any more stays in them: many are
# made one, which fetches nothing, and an old mirror is made anew.
tidy() {
    [ -z "$(find "$mirror/HEAD" -mtime +90 2>/dev/null)" ] || rm -rf "$mirror"
    rm -f "$mirror"/objects/pack/tmp_* "$mirror"/objects/pack/.tmp-*
    packs=$(find "$mirror/objects/pack" -name '*.pack' 2>/dev/null | wc -l)
    [ "$packs" -le 50 ] || mirror_git repack -a -d -q >/dev/null 2>&1 || true
}

unpack() {
    rm -rf "$work"
    tree=$work/source
    [ -z "$directory" ] || tree=$work/repository
    mkdir -p "$work/source" "$tree" || return 1
    { mirror_git archive --format=tar "$commit" || : >"$work/failed"; } | tar -x -C "$tree" || return 1
    [ ! -e "$work/failed" ] || return 1
    [ -z "$directory" ] || [ "$(folder)" != present ] || cp -al "$tree/$directory/." "$work/source/"
}

# What the commit has as the project's folder; git looks behind no symbolic link.
folder() {
    [ -n "$directory" ] || { echo present; return; }
    case $(mirror_git ls-tree "$commit" -- "$directory") in
        '040000 '*) [ -d "$work/repository/$directory" ] && echo present || echo 'export-ignore in .gitattributes' ;;
        '120000 '*) echo 'a symbolic link' ;;
        '160000 '*) echo 'a submodule' ;;
        '') echo missing ;;
        *) echo 'a file' ;;
    esac
}

# The last commits for the package's changelog, as UTF-8 without controls.
list_commits() {
    mirror_git log -50 --no-merges --format='%H %s' "$commit" ${directory:+-- "$directory"} |
        tr -d '\000-\011\013-\037\177' | cut -b1-200 | iconv -c -f UTF-8 -t UTF-8 | sed 's/^\(.......\)[^ ]* \(.*\)/  * \2 (\1)/'
}

describe() {
    echo "commits=$(mirror_git rev-list --count "$commit")"
    echo "time=$(mirror_git log -1 --format=%ct "$commit")"
    echo "folder=$(folder)"
    echo "submodules=$(mirror_git ls-tree -r "$commit:$directory" | grep -q '^160000 ' && echo present || echo missing)"
    below=${directory:+$directory/}
    echo "lfs=$(mirror_git grep -q 'filter=lfs' "$commit" -- .gitattributes "$below.gitattributes" "$below**/.gitattributes" && echo present || echo missing)"
}

mkdir -p "$builds" "$HOME/mirrors" 2>&1 || fail "$builds cannot be made: No space left or no right"
sweep "$5"
log_in "$6" "$7"
exec 9>"$mirror.lock"
flock -w "$5" 9 || fail "another run has fetched $project for $5 s"
tidy
said=$(bring) || case $said in
    # A mirror that a crash broke is made anew, once.
    *corrupt* | *'bad object'* | *'not a git repository'* | *'unable to read'* | *'loose object'* | *'bad config'*)
        rm -rf "$mirror"
        said=$(bring) || fail "$said" ;;
    *) fail "$said" ;;
esac
said=$(unpack 2>&1) || fail "$said"
list_commits >"$work/log" && describe >"$work/facts" || fail "the commit cannot be described: No space left?"
