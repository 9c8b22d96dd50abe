# Build one package of a run, in `out/<its name>`.
# $1 run  $2 driver (auto, fpm, nfpm; none only lays the files out below `stage`)  $3 formats (deb, or deb rpm)  $4 directory of the application in the package
# $5 commit time  $6 version  $7 commit  $8 lintian (off, report, enforce)  $9 digest of `tree`, empty when `source` is it
# `request` is what the caller wrote, one file a line: its name and its content in base64. Among them: fpm-deb.args
# and fpm-rpm.args (one argument a line), nfpm.yaml, conffiles (one path a line), copies (source, target, mode),
# contents (type, source, destination, mode, attributes), hooks (name, source), all with tabs between; exclude,
# changelog, and the maintainer scripts, those of an RPM as rpm-preinst and so on.
set -eu
umask 022
cd "$HOME/builds/$1" 2>/dev/null || { echo "the directory of run $1 is gone" >&2; exit 75; }
export SOURCE_DATE_EPOCH="$5" TZ=UTC LC_ALL=C
driver=$2 formats=$3 prefix=$4 version=$6 commit=$7 lintian=$8 digest=$9
tab=$(printf '\t') tree=source
[ -z "$digest" ] || tree=tree

fail() {
    case $1 in
        *'No space left'* | *'Disk quota'* | *'Read-only file system'* | *'Input/output error'*)
            rm -rf stage conf out
            echo "$1" >&2
            exit 75 ;;
        *) echo "$1" >&2; exit 1 ;;
    esac
}

. ./tree.sh
. ./stage.sh

run_fpm() { # FORMAT
    set --  "fpm-$1.args"
    arguments=$1
    shift
    while IFS= read -r word; do set -- "$@" "$word"; done <"$arguments"
    while IFS= read -r path; do set -- "$@" --config-files "$path"; done <conffiles
    fpm "$@" .
}

# nfpm refuses a file that is both in the tree and a conffile.
run_nfpm() { # FORMAT
    [ -e conf ] || {
        echo 'contents: [{src: stage/, dst: /, type: tree}'
        while IFS= read -r path; do
            mkdir -p "conf$(dirname "$path")" && mv "stage$path" "conf$path" || return 1
            echo ", {src: \"conf$path\", dst: \"$path\", type: config|noreplace}"
        done <conffiles
        echo ']'
    } >>nfpm.yaml && mkdir -p conf || return 1
    nfpm package --config nfpm.yaml --packager "$1" --target "out/$package/"
}

# Left out is what every package of this pipeline is by design: it would hide the rest.
by_design=dir-or-file-in-opt,no-copyright-file
by_design=$by_design,extended-description-is-empty,non-etc-file-marked-as-conffile
check() {
    [ "$lintian" != off ] && command -v lintian >/dev/null || return 0
    lintian --allow-root --no-cfg --suppress-tags "$by_design" "$1" 2>&1 | grep '^E:' | head -n 20 | cut -c1-300
}

# FPM takes a third of a second to say its version; it says it once for each program file.
tool_version() {
    stamp=$HOME/.cicd/$driver-$(stat -L -c '%Y-%s-%i' "$(command -v "$driver")")
    [ -s "$stamp" ] || { mkdir -p "$HOME/.cicd" && "$driver" --version 2>/dev/null | sed -n 's/^[A-Za-z]*:* *\([0-9][0-9.]*\).*/\1/p' | head -n 1 >"$stamp"; }
    cat "$stamp"
}

if [ "$driver" = auto ]; then
    if command -v fpm >/dev/null; then driver=fpm; else driver=nfpm; fi
fi
[ "$driver" = none ] || command -v "$driver" >/dev/null || { echo "$driver is not installed on this build host" >&2; exit 75; }
said=$(stage 2>&1) || fail "$said"
[ "$driver" != none ] || exit 0
read -r package _ <changelog
rm -rf "out/$package" && mkdir "out/$package"
for format in $formats; do
    said=$("run_$driver" "$format" 2>&1) || fail "$driver built no $format: $(printf '%s\n' "$said" | tail -n 20)"
done
set -- "out/$package"/*.deb
[ $# -eq 1 ] && [ -f "$1" ] || fail "$driver left no package"
errors=$(check "$1") || true
[ -z "$errors" ] || [ "$lintian" != enforce ] || fail "lintian: $errors"
echo "driver=$driver"
echo "tool=$(tool_version)"
echo "file=$(pwd)/$1"
echo "sha256=$(sha256sum "$1" | cut -d' ' -f1)"
echo "bytes=$(wc -c <"$1")"
echo "tree=$(cat digest)"
for rpm in "out/$package"/*.rpm; do [ ! -f "$rpm" ] || echo "rpm=$(pwd)/$rpm"; done
[ -z "$errors" ] || echo "lintian=$(printf '%s' "$errors" | base64 -w0)"
for lock in requirements.txt package-lock.json; do
    ! plain "source/$lock" || [ "$(wc -c <"source/$lock")" -gt 1048576 ] || echo "lock:$lock=$(base64 -w0 <"source/$lock")"
done
