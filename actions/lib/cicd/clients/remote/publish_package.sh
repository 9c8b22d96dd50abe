# Put the packages of one release into the repository and publish them, all or none, one writer at a time.
# $1 to $6 as index.sh says  $7 version
# $8 prefix of the uploaded files in the home directory: PREFIX-<name of a package file>, -sbom.cdx.json,
# -provenance.json and perhaps -<name of an rpm>; $9 says the names of the rpms
# $10 patterns of the names of packages for which these may stand, or exclude them
# $11… name of each package file, as dpkg calls it, and its sha256, with = between; the first has the papers
. ./index.sh

version=$1 prefix=$2 rpms=$3 may_name=$4
shift 4
packages=$* package=${1%%_*}
trap 'rm -f "$prefix"-*' EXIT
trap 'exit 1' HUP INT TERM
incoming=$HOME/.cicd/incoming/$prefix

each_package() { # COMMAND [ARGUMENTS]: with $deb and $sha256 of each package; until it fails
    for of in $packages; do
        deb=${of%=*} sha256=${of#*=}
        "$@" || return
    done
}

# apt reads the file's name as the version's: several packages of one version must not differ in it.
mkdir -p "$incoming"
trap 'rm -rf "$incoming"; rm -f "$prefix"-*' EXIT
take() { mv "$prefix-$deb" "$incoming/$deb"; }
each_package take
for file in $rpms sbom.cdx.json provenance.json; do mv "$prefix-$file" "$incoming/$file"; done
# What an upload left whose other end died; find complains of what others remove meanwhile.
find . .cicd/incoming -mindepth 1 -maxdepth 1 -name '.cicd-incoming-*' -mmin +1440 -exec rm -rf {} + 2>/dev/null || true

# What is published is what was asked for, and takes no other package's place.
control() { dpkg-deb -f "$incoming/$deb" "$1"; }
refuse_field() { fail "$deb has the field $1 ($2): it would take the place of other packages"; }
others() { # FIELD: the names in it that the project does not have
    control "$1" | tr ',|' '\n\n' | sed -e 's/^ *//' -e 's/[ (:].*//' -e '/^$/d' | (
        set -f
        while read -r name; do
            for pattern in $may_name; do case $name in $pattern) continue 2 ;; esac; done
            echo "$name"
        done
    )
}
refuse_wrong() {
    [ "$(sha256sum "$incoming/$deb" | cut -d' ' -f1)" = "$sha256" ] || fail "$deb arrived damaged"
    grep -q "\"$sha256\"" "$incoming/provenance.json" || fail "the provenance of $deb is of another file"
    [ "$(control Package) $(control Version)" = "${deb%%_*} $version" ] ||
        fail "$deb holds $(control Package) $(control Version), not ${deb%%_*} $version"
    architecture=${deb##*_} architecture=${architecture%.deb}
    [ "$(control Architecture)" = "$architecture" ] || fail "$deb is for $(control Architecture), not $architecture"
    for field in Essential Protected Important; do
        case $(control "$field") in '' | no) ;; *) refuse_field "$field" "$(control "$field")" ;; esac
    done
    for field in Provides Replaces Conflicts Breaks; do
        found=$(others "$field")
        [ -z "$found" ] || refuse_field "$field" "$found"
    done
}
each_package refuse_wrong

# A driver whose disk fills up cannot even take back what it began.
mkdir -p "$public"
needed=$(($(cat "$incoming"/*.deb | wc -c) / 1024 * 2 + 10240))
free=$(df -k --output=avail "$public" | tail -n 1)
[ "$free" -gt "$needed" ] ||
    fail "No space left on device for ${packages%%=*}: $((free / 1024)) MB are free at $public, $((needed / 1024)) MB are needed"

# One lock for putting in, which is quick, and one for the index, so that of those who wait for it the first
# indexes the packages of all.
lock_adding || fail "another publish has held the lock for 900 s"

# What the index has no place for would be published as if it were there.
carried_freight() { (. "$config" && echo "${ARCHS:-i386 amd64}"); }
carried_aptly() { aptly_run publish show "$1" | sed -n 's/^Architectures: //p' | tr -d ','; } # DISTRIBUTION
refuse_uncarried() {
    architecture=${deb##*_} architecture=${architecture%.deb}
    [ "$architecture" != all ] || return 0
    for target in $targets; do
        carried=$("carried_$driver" "${target%%:*}") || return 0
        case " $carried " in
            "  " | *" $architecture "*) ;;
            *) fail "$deb is for $architecture, and ${target%%:*} carries ${carried% } alone: add it there, docs/packages.md says how" ;;
        esac
    done
}

# What was there before is not listed: it is not this publish's to be taken back.
list() { echo "$sha256 $component $deb $1" >>"$list"; } # TARGET

# -e makes Freight refuse a known name instead of silently keeping the old bytes.
add_freight() { # TARGET: says what it added
    place=$(freight_place "$1")
    if [ -e "$lib/$place/$deb" ]; then
        [ "$(sha256sum "$lib/$place/$deb" | cut -d' ' -f1)" = "$sha256" ] ||
            fail "$deb is already published with other content"
    else
        list "$1"
        freight add -e -c "$config" "$incoming/$deb" "$place" 2>&1 && echo ADDED
    fi
}
# What a killed run left behind: Freight never looks at it again.
sweep_freight() { # DISTRIBUTION
    find "$lib" -maxdepth 1 -name 'freight.*' -mmin +60 -exec rm -rf {} +
    find "$public" -maxdepth 1 -name 'work.*' -mmin +60 -exec rm -rf {} +
    find "$public/dists" -maxdepth 1 -name "$1-[0-9]*" ! -name "$(readlink "$public/dists/$1")" -mmin +60 -exec rm -rf {} +
}
publish_freight() { # TARGET
    sweep_freight "${1%%:*}" 2>/dev/null || true
    freight_index "${1%%:*}"
}

add_aptly() { # TARGET: says what it added
    aptly_run repo show "${1#*:}" >/dev/null ||
        fail "aptly has no repository ${1#*:}: create it and publish it as ${1%%:*}, component $component, once"
    known=''
    ! aptly_run repo search "${1#*:}" "${deb%.deb}" >/dev/null || known=yes
    [ "$known" = yes ] || list "$1"
    said=$(aptly_run repo add "${1#*:}" "$incoming/$deb") || case $said in
        *onflict* | *different*) fail "$deb is already published with other content" ;;
        *) fail "aptly refused $deb: $said" ;;
    esac
    [ "$known" = yes ] || echo ADDED
}
publish_aptly() { aptly_index "${1%%:*}"; } # TARGET

# What a publish that was given up left there may be of another build.
keep_papers() {
    folder=$public/provenance/$package/$version
    ! each_package is_in_statement || return 0
    sign_statement "$incoming/provenance.json" || return 1
    mkdir -p "$public/provenance/$package" && rm -rf "$folder.new" && mkdir "$folder.new" || return 1
    for file in $rpms sbom.cdx.json provenance.json provenance.json.asc; do
        cp "$incoming/$file" "$folder.new/" || return 1
    done
    rm -rf "$folder" && mv -T "$folder.new" "$folder" && each_package show_papers
}
is_in_statement() { grep -qs "\"$sha256\"" "$folder/provenance.json"; }
# Who has another package of the release finds them by its name.
show_papers() {
    [ "${deb%%_*}" != "$package" ] || return 0
    mkdir -p "$public/provenance/${deb%%_*}" && ln -sfn "../$package/$version" "$public/provenance/${deb%%_*}/$version"
}

added=''
give_up() {
    rm -rf "$incoming"
    for each in $added; do deb=${each%=*} && "take_back_$driver" "${each#*=}" || true; done
    rm -f "$list"
    fail "$1"
}
add() { # TARGET
    ! is_published "$1" || return 0
    said=$("add_$driver" "$1" 2>&1) || give_up "$said"
    case $said in *ADDED) added="$added $deb=$1" ;; esac
}
each_package refuse_uncarried
list=$HOME/.cicd/adding/${prefix#.}
exec 7>"$list"
flock 7
for target in $targets; do each_package add "$target"; done
said=$(keep_papers) || give_up "the provenance of $package $version cannot be signed and kept: $said"
flock -u 8
lock_index || give_up "another publish has held the lock for 900 s"
make_signer
for target in $targets; do
    ! each_package is_published "$target" || continue
    said=$("publish_$driver" "$target") ||
        give_up "$driver could not publish ${target%%:*}, which is as it was: $(printf '%s\n' "$said" | tail -n 5)"
done
rm -f "$list"
said=$(sign_statements_anew) || fail "provenance cannot be signed again: $(printf '%s\n' "$said" | tail -n 5)"
echo "driver=$driver"
echo "statement=$(sha256sum "$public/provenance/$package/$version/provenance.json" | cut -d' ' -f1)"
say_key_ends
