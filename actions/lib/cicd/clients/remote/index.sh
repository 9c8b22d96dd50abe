# What publishes, prunes and renews shares: one writer of the index at a time, who signs it whole and with an end.
# $1 driver (auto, freight, aptly)  $2 configuration file of the driver  $3 signing keys, separated by spaces
# $4 distributions, each with the name of its repository in aptly: bookworm:cicd trixie:cicd-trixie
# $5 component  $6 days for which an index is valid
set -eu
umask 022
cd "$HOME"
driver=$1 config=$2 keys=$3 targets=$4 component=$5 days=$6
shift 6
export LC_ALL=C

fail() { echo "$1" >&2; exit 1; }

if [ "$driver" = auto ]; then
    if command -v freight >/dev/null; then driver=freight; else driver=aptly; fi
fi
command -v "$driver" >/dev/null || fail "$driver is not installed on this repository host"
[ -r "$config" ] || fail "$config is missing on this repository host"
case $driver in
    freight)
        eval "$(. "$config"; printf "lib='%s' public='%s' keys='%s'" "${VARLIB%/}" "${VARCACHE%/}" "${GPG:-$keys}")" ;;
    aptly)
        public=$(sed -n 's/.*"rootDir": *"\([^"]*\)".*/\1/p' "$config")/public ;;
esac

# A key that cannot sign is found before anything is touched.
for key in $keys; do
    state=$(gpg --batch --with-colons --list-secret-keys -- "$key" 2>/dev/null | sed -n 's/^sec:\(.\).*/\1/p' | head -n 1)
    case $state in
        '') fail "the signing key $key is missing on this repository host: import it, or correct the key's name" ;;
        e) fail "the signing key $key has expired: extend it (gpg --quick-set-expire) or change to a new one" ;;
        r) fail "the signing key $key is revoked: change to a new one" ;;
    esac
done
[ -n "$keys" ] || fail "no signing key is configured"
signers=''
for key in $keys; do signers="$signers -u $key"; done
mkdir -p .cicd

# Locks die with their holder.
lock_index() {
    exec 9>.cicd/publish.lock
    flock -w 900 9 || { echo "another writer has held the lock of the index for 900 s" >&2; return 1; }
}

aptly_run() { aptly -config="$config" "$@" 2>&1; }

freight_place() { [ "$component" = main ] && echo "apt/${1%%:*}" || echo "apt/${1%%:*}/$component"; }

# What clients see already: a publish that waited finds its package in the index that another one wrote.
is_published() { # TARGET
    for index in "$public/dists/${1%%:*}/$component"/binary-*/Packages; do
        grep -qs "^SHA256: $sha256\$" "$index" && return 0
    done
    return 1
}

take_back_freight() { rm -f "$lib/$(freight_place "$1")/$deb" "$lib/$(freight_place "$1")/$deb-control"; }
take_back_aptly() { aptly_run repo remove "${1#*:}" "${deb%.deb}" >/dev/null; }

# A publish lists what it adds, and has a lock on the list until its index is there. What is listed by one that
# was killed leaves the library: the next index would have a part of a release.
take_back_of_dead() {
    for list in .cicd/adding/*; do
        [ ! -e "$list" ] || (
            flock -n 6 || exit 0
            while read -r sha256 component deb target; do
                [ "$(cat .cicd/adding/* | grep -cxF "$sha256 $component $deb $target")" -eq 1 ] || continue
                is_published "$target" || "take_back_$driver" "$target" || true
            done <"$list"
            rm -f "$list"
        ) 6<"$list"
    done
}

# For what puts in, and for what writes an index of all that is in.
lock_adding() {
    mkdir -p .cicd/adding
    exec 8>.cicd/add.lock
    flock -w 900 8 && take_back_of_dead
}

# apt asks a server for what changed since the second of its copy: of two indexes of one second it would
# keep the first until a third comes.
not_within_a_second() { # DISTRIBUTION
    [ "$(stat -L -c %Y "$public/dists/$1/InRelease" 2>/dev/null || echo 0)" -lt "$(date +%s)" ] || sleep 1
}

rfc_date() { date -u -d "$1" '+%a, %d %b %Y %H:%M:%S UTC'; }

# Neither driver says in Release that apt must not move packages by itself, and when the index ends. Both sign
# by gpg before any client sees the index, so this one finishes what it is about to sign. aptly signs with one
# key, so the others are added here as well.
make_signer() {
    others='' last=${keys##* }
    [ "$driver" = freight ] || [ "$keys" = "$last" ] || for key in ${keys#* }; do others="$others -u $key"; done
    mkdir -p .cicd/bin
    cat >.cicd/bin/gpg <<EOF
#!/bin/sh
for file; do :; done
if [ -f "\$file" ] && grep -q '^Codename: ' "\$file"; then
    sed -i -e '/^\(NotAutomatic\|ButAutomaticUpgrades\|Valid-Until\):/d' \\
        -e 's/^Date: .*/&\nValid-Until: $(rfc_date "+$days days")\nNotAutomatic: yes/' "\$file"
    cp "\$file" "\$HOME/.cicd/Release"
fi
case " \$* " in *' -u $last '*) exec $(command -v gpg) "\$@" ;; esac
exec $(command -v gpg)$others "\$@"
EOF
    chmod +x .cicd/bin/gpg
    PATH=$HOME/.cicd/bin:$PATH
}

put() { cp "$1" "$2.new" && mv -f "$2.new" "$2"; } # FILE PLACE

# aptly lays out Release before it is signed; one that signs by other means than gpg leaves none here.
aptly_index() { # DISTRIBUTION
    not_within_a_second "$1"
    rm -f .cicd/Release
    aptly -config="$config" publish update -batch -gpg-key="${keys%% *}" "$1" 2>&1 || return 1
    if [ -f .cicd/Release ]; then put .cicd/Release "$public/dists/$1/Release"; else renew_index "$1"; fi || return 1
    export_keys
}

freight_index() { # DISTRIBUTION
    not_within_a_second "$1"
    freight cache -c "$config" "apt/$1" 2>&1
}

# Where clients and operators find the public keys, as Freight lays them.
export_keys() {
    # shellcheck disable=SC2086
    gpg --batch --armor --export $keys >"$public/pubkey.gpg.new" && mv "$public/pubkey.gpg.new" "$public/pubkey.gpg"
}

# The same index, signed anew, with a new end.
renew_index() { # DISTRIBUTION
    place=$(readlink -f "$public/dists/$1") work=.cicd/renewed
    rm -rf "$work" && mkdir "$work" || return 1
    not_within_a_second "$1"
    sed "s/^Date: .*/Date: $(rfc_date now)/" "$place/Release" >"$work/Release" || return 1
    # shellcheck disable=SC2086
    gpg --batch --digest-algo SHA512 $signers --armor -o "$work/Release.gpg" --detach-sign "$work/Release" 2>&1 &&
        gpg --batch --digest-algo SHA512 $signers -o "$work/InRelease" --clearsign "$work/Release" 2>&1 || return 1
    for file in Release Release.gpg InRelease; do put "$work/$file" "$place/$file" || return 1; done
}

# When each key expires, in epoch seconds; one that never does is not named.
say_key_ends() {
    for key in $keys; do
        gpg --batch --with-colons --list-secret-keys -- "$key" 2>/dev/null |
            sed -n 's/^sec:\([^:]*:\)\{3\}\([^:]*\):[^:]*:\([0-9]\{1,\}\):.*/key_\2=\3/p' | head -n 1
    done
}

sign_statement() { # FILE: its signature beside it
    # shellcheck disable=SC2086
    gpg --batch --yes --armor $signers -o "$1.asc.new" --detach-sign "$1" 2>&1 && mv "$1.asc.new" "$1.asc"
}

# Hosts verify a package by its provenance for as long as it can be installed: after a change of keys, what
# the old ones signed is signed anew.
sign_statements_anew() {
    [ "$(cat .cicd/signers 2>/dev/null)" != "$keys" ] || return 0
    for statement in "$public"/provenance/*/*/provenance.json; do
        ! gpg --batch --verify "$statement.asc" "$statement" 2>/dev/null || sign_statement "$statement" || return 1
    done
    echo "$keys" >.cicd/signers
}
