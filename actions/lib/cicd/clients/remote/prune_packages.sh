# Take versions out of the repository, and then out of its index, one writer at a time.
# $1 to $6 as index.sh says  $7… package=version
. ./index.sh

# Freight cannot remove: what is gone from its library is left out of the next index, which takes the
# old one's place at once; the files themselves go after that. What cannot be indexed is put back.
prune_freight() { # DISTRIBUTION REPOSITORY package=version…
    distribution=$1
    shift 2
    place=$lib/apt/$distribution
    [ "$component" = main ] || place=$place/$component
    aside=$lib/.pruned
    rm -rf "$aside"
    mkdir -p "$aside"
    for each in "$@"; do
        for file in "$place/${each%%=*}_${each#*=}"_*.deb*; do [ ! -e "$file" ] || mv "$file" "$aside/"; done
    done
    freight_index "$distribution" >&2 || { mv "$aside"/* "$place/"; exit 1; }
    rm -rf "$aside"
    # As Freight itself does: a file of the pool that no index refers to has one name.
    find "$public/pool" -links 1 -type f -delete
}

prune_aptly() { # DISTRIBUTION REPOSITORY package=version…
    distribution=$1 repository=$2
    shift 2
    query=''
    for each in "$@"; do query="$query${query:+ | }${each%%=*} (= ${each#*=})"; done
    aptly -config="$config" repo remove "$repository" "$query" >&2
    aptly_index "$distribution" >&2
    aptly -config="$config" db cleanup >&2
}

lock_adding || fail "a publish has held the lock for 900 s"
flock -u 8
lock_index
make_signer
for target in $targets; do "prune_$driver" "${target%%:*}" "${target#*:}" "$@"; done
