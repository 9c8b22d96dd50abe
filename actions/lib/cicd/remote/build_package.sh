# Build the package of a run.
# $1 run  $2 driver (auto, fpm, nfpm)  $3 directory of the application in the package  $4 commit time
# $5 version  $6 commit  $7 unit file in the source or empty
# Beside source/ lies what the caller wrote: fpm.args (one argument a line), nfpm.yaml, conffiles (one path a
# line), postinst, prerm, postrm.
set -eu
umask 022
cd "$HOME/builds/$1"
export SOURCE_DATE_EPOCH="$4" TZ=UTC LC_ALL=C
driver=$2
if [ "$driver" = auto ]; then
    if command -v fpm >/dev/null; then driver=fpm; else driver=nfpm; fi
fi
command -v "$driver" >/dev/null || { echo "$driver is not installed on this build host" >&2; exit 1; }

rm -rf stage conf out
mkdir -p "stage$3" out
git -C source archive --format=tar HEAD | tar -x -C "stage$3"
printf 'version=%s\ncommit=%s\n' "$5" "$6" >"stage$3/REVISION"
if [ -n "$7" ]; then
    [ -f "source/$7" ] && [ ! -L "source/$7" ] || { echo "fpm.json's unit $7 is not a file" >&2; exit 1; }
    mkdir -p stage/usr/lib/systemd/system
    cp "source/$7" stage/usr/lib/systemd/system/
fi
while IFS= read -r path; do
    [ -f "stage$path" ] || { echo "fpm.json's conffile $path is not a file of the package" >&2; exit 1; }
done <conffiles
# Modes and times come from the commit alone, or the same commit gives other bytes on another host.
chmod -R u=rwX,go=rX stage
find stage -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

case $driver in
    fpm)
        set --
        while IFS= read -r word; do set -- "$@" "$word"; done <fpm.args
        fpm "$@" >log 2>&1 || { tail -n 20 log >&2; exit 1; } ;;
    nfpm)
        # nfpm refuses a file that is both in the tree and a conffile.
        while IFS= read -r path; do
            mkdir -p "conf$(dirname "$path")"
            mv "stage$path" "conf$path"
        done <conffiles
        nfpm package --config nfpm.yaml --packager deb --target out/ >log 2>&1 || { tail -n 20 log >&2; exit 1; } ;;
esac
set -- out/*.deb
[ $# -eq 1 ] && [ -f "$1" ] || { echo "$driver left no package" >&2; exit 1; }
echo "driver=$driver"
echo "file=$HOME/builds/$(basename "$PWD")/$1"
echo "sha256=$(sha256sum "$1" | cut -d' ' -f1)"
echo "bytes=$(wc -c <"$1")"
