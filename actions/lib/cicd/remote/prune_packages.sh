# Take versions out of the repository, and then out of its index, one writer at a time.
# $1 driver (auto, freight, aptly)  $2 configuration file of the driver  $3 signing keys, separated by spaces
# $4 distributions, each with the name of its repository in aptly  $5 component  $6… package=version
set -eu
umask 022
cd "$HOME"
driver=$1 config=$2 keys=$3 targets=$4 component=$5
shift 5
export LC_ALL=C
if [ "$driver" = auto ]; then
    if command -v freight >/dev/null; then driver=freight; else driver=aptly; fi
fi
mkdir -p .cicd
exec 9>.cicd/publish.lock
flock -w 900 9 || { echo "a publish has held the lock for 900 s" >&2; exit 1; }

# Freight cannot remove: what is gone from its library is left out of the next index, which takes the
# old one's place at once; the files themselves go after that. What cannot be indexed is put back.
prune_freight() { # DISTRIBUTION REPOSITORY package=version…
    distribution=$1
    shift 2
    lib=$(. "$config"; echo "${VARLIB%/}")
    place=$lib/apt/$distribution
    [ "$component" = main ] || place=$place/$component
    aside=$lib/.pruned
    rm -rf "$aside"
    mkdir -p "$aside"
    for each in "$@"; do
        for file in "$place/${each%%=*}_${each#*=}"_*.deb*; do [ ! -e "$file" ] || mv "$file" "$aside/"; done
    done
    freight cache -c "$config" "apt/$distribution" >&2 || { mv "$aside"/* "$place/"; exit 1; }
    rm -rf "$aside"
    # As Freight itself does: a file of the pool that no index refers to has one name.
    find "$(. "$config"; echo "${VARCACHE%/}")/pool" -links 1 -type f -delete
}

# aptly signs with one key; while keys change, gpg is told of the others behind its back.
sign_with_all() {
    others=''
    for key in ${keys#* }; do others="$others -u $key"; done
    mkdir -p .cicd/bin
    printf '#!/bin/sh\nexec %s%s "$@"\n' "$(command -v gpg)" "$others" >.cicd/bin/gpg
    chmod +x .cicd/bin/gpg
    PATH=$HOME/.cicd/bin:$PATH
}

prune_aptly() { # DISTRIBUTION REPOSITORY package=version…
    distribution=$1 repository=$2
    shift 2
    query=''
    for each in "$@"; do query="$query${query:+ | }${each%%=*} (= ${each#*=})"; done
    aptly -config="$config" repo remove "$repository" "$query" >&2
    aptly -config="$config" publish update -batch -gpg-key="${keys%% *}" "$distribution" >&2
    aptly -config="$config" db cleanup >&2
}

[ "$driver" = freight ] || [ "$keys" = "${keys#* }" ] || sign_with_all
for target in $targets; do "prune_$driver" "${target%%:*}" "${target#*:}" "$@"; done
