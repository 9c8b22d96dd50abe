# Let the project's own build make the tree, on the machine of who wrote it: without a sandbox, and with its programs.
# $1 run  $2 the build  $3 folder of the project in the repository or empty  $4 prefix
# The environment has what a build host gives a build, but for CICD_OUTPUT.
set -eu
umask 022
run=$HOME/builds/$1 build=$2 directory=$3 prefix=$4 above=$(dirname "$4")
export HOME="$CALLERS_HOME"
. ./tree.sh

# A tree often names its own place, and so it is made where it will be: in a namespace in which the rest of the folder
# above stays as it is.
in_place='
    mkdir "$1/others"
    mount --rbind "$2" "$1/others"
    mount -t tmpfs tmpfs "$2"
    for path in "$1"/others/*/; do
        [ ! -d "$path" ] || { mkdir -p "$2/$(basename "$path")" && mount --rbind "$path" "$2/$(basename "$path")"; }
    done
    mkdir -p "$CICD_OUTPUT"
    mount --rbind "$1/output" "$CICD_OUTPUT"
    exec "./$3"'

can_be_in_place() {
    [ "$above" = /opt ] || [ "$above" = /srv ] || return 1
    unshare --user --map-root-user --mount true 2>/dev/null
}

cd "$run"
rm -rf made tree output && mkdir output
if [ -n "$directory" ]; then cp -a repository made; else cp -a source made; fi
cd "made/$directory"
if can_be_in_place; then
    CICD_OUTPUT=$prefix unshare --user --map-root-user --mount sh -euc "$in_place" in_place "$run" "$above" "$build" >&2
else
    CICD_OUTPUT=$run/output "./$build" >&2
fi
cd "$run"
if [ -n "$(ls -A output)" ]; then mv output tree; else mv "made/$directory" tree; fi
chmod -R u=rwX,go=rX tree
echo "digest=$(digest_of tree)"
