# Put one package into the repository and publish it, one writer at a time.
# $1 driver (auto, freight, aptly)  $2 configuration file of the driver  $3 signing keys, separated by spaces
# $4 distributions, each with the name of its repository in aptly: bookworm:cicd trixie:cicd-trixie
# $5 component  $6 package  $7 version  $8 sha256 of the package file
# $9 prefix of the uploaded files in the home directory: PREFIX-<name of the package file>, -sbom.cdx.json,
# -provenance.json and perhaps -<name of an rpm>; $10 says the names of the package file and the rpm
set -eu
umask 022
cd "$HOME"
driver=$1 config=$2 keys=$3 targets=$4 component=$5 package=$6 version=$7 sha256=$8 prefix=$9
shift 9
files=$1
export LC_ALL=C
trap 'rm -f "$prefix"-*' EXIT
trap 'exit 1' HUP INT TERM

fail() { echo "$1" >&2; exit 1; }

if [ "$driver" = auto ]; then
    if command -v freight >/dev/null; then driver=freight; else driver=aptly; fi
fi
command -v "$driver" >/dev/null || fail "$driver is not installed on this repository host"
[ -r "$config" ] || fail "$config is missing on this repository host"
deb=${files%% *} incoming=$HOME/.cicd/incoming/$prefix
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

# apt reads the file's name as the version's: several packages of one version must not differ in it.
mkdir -p "$incoming"
trap 'rm -rf "$incoming"; rm -f "$prefix"-*' EXIT
for file in $files sbom.cdx.json provenance.json; do mv "$prefix-$file" "$incoming/$file"; done
# What an upload left whose other end died; find complains of what others remove meanwhile.
find . .cicd/incoming -mindepth 1 -maxdepth 1 -name '.cicd-incoming-*' -mmin +1440 -exec rm -rf {} + 2>/dev/null || true
[ "$(sha256sum "$incoming/$deb" | cut -d' ' -f1)" = "$sha256" ] || fail "$deb arrived damaged"

# A driver whose disk fills up cannot even take back what it began.
mkdir -p "$public"
needed=$(($(wc -c <"$incoming/$deb") / 1024 * 2 + 10240))
free=$(df -k --output=avail "$public" | tail -n 1)
[ "$free" -gt "$needed" ] ||
    fail "No space left on device for $deb: $((free / 1024)) MB are free at $public, $((needed / 1024)) MB are needed"

# Locks die with their holder. One for putting in, which is quick, and one for the index, so that of
# those who wait for it the first indexes the packages of all.
exec 8>"$HOME/.cicd/add.lock" 9>"$HOME/.cicd/publish.lock"
flock -w 900 8 || fail "another publish has held the lock for 900 s"

# What clients see already: a publish that waited finds its package in the index that another one wrote.
is_published() { # TARGET
    for index in "$public/dists/${1%%:*}/$component"/binary-*/Packages; do
        grep -qs "^SHA256: $sha256\$" "$index" && return 0
    done
    return 1
}

# apt asks a server for what changed since the second of its copy: of two indexes of one second it would
# keep the first until a third comes.
not_within_a_second() { # DISTRIBUTION
    [ "$(stat -c %Y "$public/dists/$1/InRelease" 2>/dev/null || echo 0)" -lt "$(date +%s)" ] || sleep 1
}

freight_place() { [ "$component" = main ] && echo "apt/${1%%:*}" || echo "apt/${1%%:*}/$component"; }

# -e makes Freight refuse a known name instead of silently keeping the old bytes.
add_freight() { # TARGET: says what it added
    place=$(freight_place "$1")
    if [ -e "$lib/$place/$deb" ]; then
        [ "$(sha256sum "$lib/$place/$deb" | cut -d' ' -f1)" = "$sha256" ] ||
            fail "$deb is already published with other content"
    else
        freight add -e -c "$config" "$incoming/$deb" "$place" 2>&1 && echo ADDED
    fi
}
take_back_freight() { rm -f "$lib/$(freight_place "$1")/$deb" "$lib/$(freight_place "$1")/$deb-control"; }
# What a killed run left behind: Freight never looks at it again.
sweep_freight() { # DISTRIBUTION
    find "$lib" -maxdepth 1 -name 'freight.*' -mmin +60 -exec rm -rf {} +
    find "$public" -maxdepth 1 -name 'work.*' -mmin +60 -exec rm -rf {} +
    find "$public/dists" -maxdepth 1 -name "$1-[0-9]*" ! -name "$(readlink "$public/dists/$1")" -mmin +60 -exec rm -rf {} +
}
publish_freight() { # TARGET
    sweep_freight "${1%%:*}" 2>/dev/null || true
    freight cache -c "$config" "apt/${1%%:*}" 2>&1
}

# aptly signs with one key; while keys change, gpg is told of the others behind its back.
sign_with_all() {
    [ "$keys" != "${keys#* }" ] || return 0
    others=''
    for key in ${keys#* }; do others="$others -u $key"; done
    mkdir -p "$incoming/bin"
    printf '#!/bin/sh\nexec %s%s "$@"\n' "$(command -v gpg)" "$others" >"$incoming/bin/gpg"
    chmod +x "$incoming/bin/gpg"
    PATH=$incoming/bin:$PATH
}
aptly_run() { aptly -config="$config" "$@" 2>&1; }
add_aptly() { # TARGET: says what it added
    aptly_run repo show "${1#*:}" >/dev/null ||
        fail "aptly has no repository ${1#*:}: create it and publish it as ${1%%:*}, component $component, once"
    ! aptly_run repo search "${1#*:}" "$package (= $version)" >/dev/null || known=yes
    said=$(aptly_run repo add "${1#*:}" "$incoming/$deb") || case $said in
        *onflict* | *different*) fail "$deb is already published with other content" ;;
        *) fail "aptly refused $deb: $said" ;;
    esac
    [ "${known:-}" = yes ] || echo ADDED
}
take_back_aptly() { aptly_run repo remove "${1#*:}" "$package (= $version)" >/dev/null; }
publish_aptly() { # TARGET
    sign_with_all
    aptly_run publish update -batch -gpg-key="${keys%% *}" "${1%%:*}" || return 1
    # Where clients and operators find the public keys, as Freight lays them.
    # shellcheck disable=SC2086
    gpg --batch --armor --export $keys >"$public/pubkey.gpg.new" && mv "$public/pubkey.gpg.new" "$public/pubkey.gpg"
}

keep_papers() {
    folder=$public/provenance/$package/$version
    [ ! -e "$folder/provenance.json" ] || return 0
    signers=''
    for key in $keys; do signers="$signers -u $key"; done
    # shellcheck disable=SC2086
    gpg --batch --yes --armor --detach-sign $signers -o "$incoming/provenance.json.asc" "$incoming/provenance.json" 2>&1 || return 1
    mkdir -p "$public/provenance/$package" && rm -rf "$folder.new" && mkdir "$folder.new" || return 1
    for file in $files sbom.cdx.json provenance.json provenance.json.asc; do
        [ "$file" = "$deb" ] || cp "$incoming/$file" "$folder.new/" || return 1
    done
    mv -T "$folder.new" "$folder"
}

added=''
give_up() {
    rm -rf "$incoming"
    for target in $added; do "take_back_$driver" "$target" || true; done
    fail "$1"
}
for target in $targets; do
    ! is_published "$target" || continue
    said=$("add_$driver" "$target" 2>&1) || give_up "$said"
    case $said in *ADDED) added="$added $target" ;; esac
done
said=$(keep_papers) || give_up "the provenance of $deb cannot be signed and kept: $said"
flock -u 8
flock -w 900 9 || give_up "another publish has held the lock for 900 s"
for target in $targets; do
    ! is_published "$target" || continue
    not_within_a_second "${target%%:*}"
    said=$("publish_$driver" "$target") ||
        give_up "$driver could not publish ${target%%:*}, which is as it was: $(printf '%s\n' "$said" | tail -n 5)"
done
echo "driver=$driver"
echo "statement=$(sha256sum "$public/provenance/$package/$version/provenance.json" | cut -d' ' -f1)"
