# Put one package into the repository and publish it, one writer at a time.
# $1 driver (auto, freight, aptly)  $2 package file  $3 its sha256  $4 distribution  $5 component
# $6 configuration file of the driver  $7 repository name (aptly)  $8 signing key (aptly)
set -eu
umask 022
driver=$1 file=$2 sha256=$3 distribution=$4 component=$5 config=$6 name=$7 key=$8
if [ "$driver" = auto ]; then
    if command -v freight >/dev/null; then driver=freight; else driver=aptly; fi
fi
command -v "$driver" >/dev/null || { echo "$driver is not installed on this repository host" >&2; exit 1; }
[ "$(sha256sum "$file" | cut -d' ' -f1)" = "$sha256" ] || { echo "$(basename "$file") arrived damaged" >&2; exit 1; }

# The lock dies with its holder; neither driver may lose a package to a second writer.
mkdir -p "$HOME/.cicd"
exec 9>"$HOME/.cicd/publish.lock"
flock -w 300 9 || { echo "another publish has held the lock for 300 s" >&2; exit 1; }

publish_freight() {
    # -e makes Freight refuse a known name instead of silently keeping the old bytes.
    place=apt/$distribution
    [ "$component" = main ] || place=$place/$component
    kept=$(sed -n 's/^VARLIB=//p' "$config" | tr -d '"')/$place/$(basename "$file")
    if [ -e "$kept" ]; then
        [ "$(sha256sum "$kept" | cut -d' ' -f1)" = "$sha256" ] ||
            { echo "$(basename "$file") is already published with other content" >&2; exit 1; }
    else
        freight add -e -c "$config" "$file" "$place" >&2
    fi
    freight cache -c "$config" "apt/$distribution" >&2
}

publish_aptly() {
    aptly -config="$config" repo add "$name" "$file" >&2 ||
        { echo "aptly refused $(basename "$file"); the same version with other content?" >&2; exit 1; }
    aptly -config="$config" publish update -batch -gpg-key="$key" "$distribution" >&2
}

"publish_$driver"
echo "driver=$driver"
