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
. ./made.sh
maker=$build
sandbox=/usr/libexec/cicd-sandbox/run caches=$HOME/caches/$project

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

[ -x "$sandbox" ] || fail 'cicd-sandbox is not installed on this build host: docs/packages.md says how' 75
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
[ ! -e failed ] || sudo -n -l "$sandbox" >/dev/null 2>&1 || fail "sudo does not allow $(id -un) to run $sandbox on this build host" 75
[ ! -e failed ] || fail "$(tail -c 4000 said)" "$(cat failed)"
[ ! -e broken ] || fail_here "what $build made cannot be unpacked: $(head -n 3 unpacked)"
[ -d made/output ] || fail "$build made nothing"
refuse_odd
wrong=$(cd made/output && find . -type f -perm /111 -exec grep -lIm1 '^#!/build/' {} + | head -n 3 | sed 's,^\./,,' | tr '\n' ' ')
[ -z "$wrong" ] || fail "the first line of ${wrong% } begins with #!/build/…, which is on no host: make it in \$CICD_OUTPUT, which is where it will be"
said=$(keep_cache 2>&1) || fail_here "the cache of $project cannot be kept: $said"
take
echo "note=$(tail -c 2000 said | base64 -w0)"
