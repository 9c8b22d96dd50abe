# Take what CI archived, which is in `made.tar`, as the tree that is packaged.  $1 run
set -eu
umask 022
export LC_ALL=C
cd "$HOME/builds/$1" 2>/dev/null || { echo "the directory of run $1 is gone" >&2; exit 75; }
. ./tree.sh
. ./made.sh
maker=CI
rm -rf made tree
mkdir -p made/output
said=$(tar -x --warning=no-timestamp -C made -f made.tar 2>&1) || fail_here "what CI archived cannot be unpacked: $said"
rm -f made.tar
chmod -R u+rwX made
refuse_odd
take
