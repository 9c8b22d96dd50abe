# Put each package of a folder into the repository that aptly keeps, and publish it signed. Runs as cicd, with the locks
# of the pack, which publishes here as well.
# $1 name of the repository  $2 folder  $3 signing key  $4 distribution  $5 component  $6 architectures, joined by commas
set -eu
umask 022
cd "$HOME"
name=$1 folder=$2 key=$3 distribution=$4 component=$5 architectures=$6
mkdir -p .cicd
exec 8>.cicd/add.lock 9>.cicd/publish.lock
flock -w 900 8
flock -w 900 9

aptly_run() { aptly -config=/etc/cicd/aptly.conf "$@" 8>&- 9>&-; }

aptly_run repo show "$name" >/dev/null 2>&1 ||
    aptly_run repo create -distribution="$distribution" -component="$component" "$name"
there=$(aptly_run repo show -with-packages "$name" | sed 's/^ *//')
changed=
for file in "$folder"/*.deb; do
    package=$(dpkg-deb -W --showformat='${Package}_${Version}_${Architecture}' "$file")
    if ! echo "$there" | grep -qxF "$package"; then
        aptly_run repo add "$name" "$file"
        changed=yes
    fi
done
if ! aptly_run publish show "$distribution" >/dev/null 2>&1; then
    aptly_run publish repo -batch -acquire-by-hash -notautomatic=yes -architectures="$architectures" -gpg-key="$key" "$name"
    changed=yes
elif [ "$changed" ]; then
    aptly_run publish update -batch -gpg-key="$key" "$distribution"
fi
[ ! "$changed" ] || echo "The repository has changed."
