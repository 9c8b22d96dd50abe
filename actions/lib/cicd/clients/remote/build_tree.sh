# Let a project's build run in the sandbox of this host, and take what it made as the tree that is packaged.
# $1 run  $2 project  $3 megabytes that it may write  $4 path of the build  $5 folder of the project in the repository or
# empty  $6… what else cicd-sandbox is told
# It says `digest`, `links` (path and target of each link, NUL between, in base64) and `note`, what the build said.
set -eu
umask 022
export LC_ALL=C
run=$1 project=$2 disk=$3 build=$4 directory=$5
shift 5
cd "$HOME/builds/$run" 2>/dev/null || { echo "the directory of run $run is gone" >&2; exit 75; }
. ./tree.sh
sandbox=/usr/libexec/cicd-sandbox/run caches=$HOME/caches/$project

fail() { # MESSAGE [STATUS]
    chmod -R u+rwX made 2>/dev/null || true
    rm -rf made tree
    echo "$1" >&2
    exit "${2:-1}"
}

# This host's disk, and not the build's.
fail_here() { # MESSAGE
    case $1 in
        *'No space left'* | *'Disk quota'* | *'Read-only file system'* | *'Input/output error'*) fail "$1" 75 ;;
        *) fail "$1" ;;
    esac
}

give() {
    exec 9>>"$caches/lock"
    flock -s 9
    tar -c "${folder%%/*}" -C "$caches" cache
}

keep_cache() {
    [ -d made/cache ] || return 0
    exec 9>>"$caches/lock"
    flock 9
    rm -rf "$caches/old" && mv "$caches/cache" "$caches/old" && mv made/cache "$caches/cache" && rm -rf "$caches/old"
}

names() { # FIND_EXPRESSION
    (cd made/output && find . -mindepth 1 "$@" -printf '%P\n' | sort | head -n 5 | tr '\n' ' ')
}

refuse() { # WHAT FIND_EXPRESSION
    what=$1
    shift
    found=$(names "$@")
    [ -z "$found" ] || fail "$build made $what: $found"
}

[ -x "$sandbox" ] || fail 'cicd-sandbox is not installed on this build host: docs/packages.md says how' 75
sudo -n -l "$sandbox" >/dev/null 2>&1 || fail "sudo does not allow $(id -un) to run $sandbox on this build host" 75
folder=source
[ -z "$directory" ] || folder=repository/$directory
mkdir -p "$caches/cache"
rm -rf made tree failed broken
mkdir made
{
    { give | sudo -n "$sandbox" "run=$run" "project=$project" "disk=$disk" "build=$build" "folder=$folder" "$@" 2>said || echo $? >failed; } |
        head -c $((disk * 2621440)) | tar -x -C made 2>unpacked || echo $? >broken
}
chmod -R u+rwX made
[ ! -e failed ] || fail "$(tail -c 4000 said)" "$(cat failed)"
[ ! -e broken ] || fail_here "what $build made cannot be unpacked: $(head -n 3 unpacked)"
[ -d made/output ] || fail "$build made nothing"
newline='
'
refuse 'a device or a pipe, which no package has' ! -type f ! -type d ! -type l
refuse 'what gives its rights to who runs it' -perm /6000
refuse 'a name with a newline, or a link to one' \( -name "*$newline*" -o -lname "*$newline*" \)
refuse 'a name of more than 246 bytes' -name "$(printf '%247s' '' | tr ' ' '?')*"
wrong=$(cd made/output && find . -type f -perm /111 -exec grep -lIm1 '^#!/build/' {} + | head -n 3 | sed 's,^\./,,' | tr '\n' ' ')
[ -z "$wrong" ] || fail "the first line of ${wrong% } begins with #!/build/…, which is on no host: make it in \$CICD_OUTPUT, which is where it will be"
chmod -R u=rwX,go=rX made/output
said=$(keep_cache 2>&1) || fail_here "the cache of $project cannot be kept: $said"
mv made/output tree
rm -rf made
echo "digest=$(digest_of tree)"
echo "links=$(find tree -type l -printf '%P\0%l\0' | head -c 4194304 | base64 -w0)"
echo "note=$(tail -c 2000 said | base64 -w0)"
