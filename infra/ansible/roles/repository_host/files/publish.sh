# Put each package of a folder into the repository that aptly keeps, and publish it signed. Runs as cicd, with the locks
# of the pack, which publishes here as well.
# $1 name of the repository  $2 folder  $3 signing key  $4 distribution  $5 component  $6 architectures, joined by commas
# $7 --check: publish nothing, and fail when there is something to publish
set -eu
umask 022
cd "$HOME"
name=$1 folder=$2 key=$3 distribution=$4 component=$5 architectures=$6 check=${7-}
unpublished=.cicd/unpublished
mkdir -p .cicd
exec 8>.cicd/add.lock 9>.cicd/publish.lock
flock -w 900 8
flock -w 900 9

aptly_run() { aptly -config=/etc/cicd/aptly.conf "$@" 8>&- 9>&-; }

succeeds() { aptly_run "$@" >/dev/null 2>&1; }

known() {
    aptly_run repo search -format='{{.Package}}_{{.Version}}_{{.Architecture}} {{.SHA256}}' "$name" 'Name (% *)' 2>/dev/null || true
}

# Hosts that have the version would keep what they have, without a word.
refuse() { # FILE PACKAGE
    echo "$1 is not the $2 of this repository, but has its name and version." \
        "Give it a higher version (build it from a release), or remove $2 from the repository first:" \
        "docs/machines.md says how." >&2
    exit 1
}

lacking() {
    there=$(known)
    for file in "$folder"/*.deb; do
        package=$(dpkg-deb -W --showformat='${Package}_${Version}_${Architecture}' "$file")
        sum=$(sha256sum <"$file")
        case $(printf '%s\n' "$there" | awk -v package="$package" '$1 == package { print $2 }') in
            "") echo "$file" ;;
            "${sum%% *}") ;;
            *) refuse "$file" "$package" ;;
        esac
    done
}

files=$(lacking)
[ "$files" ] || [ -e "$unpublished" ] || ! succeeds publish show "$distribution" || exit 0
[ ! "$check" ] || exit 1
touch "$unpublished"
succeeds repo show "$name" || aptly_run repo create -distribution="$distribution" -component="$component" "$name"
[ ! "$files" ] || printf '%s\n' "$files" | xargs -d '\n' aptly -config=/etc/cicd/aptly.conf repo add "$name" 8>&- 9>&-
if succeeds publish show "$distribution"; then
    aptly_run publish update -batch -gpg-key="$key" "$distribution"
else
    aptly_run publish repo -batch -acquire-by-hash -notautomatic=yes -architectures="$architectures" -gpg-key="$key" "$name"
fi
rm "$unpublished"
echo "The repository has changed."
