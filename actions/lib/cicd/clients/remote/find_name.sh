# Say who has a package of this name, or provides it: a line each with a version and where it is from.  $1 name
set -eu
export LC_ALL=C
command -v apt-cache >/dev/null || {
    dpkg-query -W -f '${db:Status-Status} ${Version} /var/lib/dpkg/status\n' "$1" 2>/dev/null | sed -n 's/^installed //p'
    exit 0
}
# It knows what is installed here as well.
apt-cache showpkg -- "$1" 2>/dev/null | sed -n \
    -e '/^Versions:/,/^Reverse Depends:/ s/^\([^ ]*\) (\(.*\))$/\1 \2/p' \
    -e '/^Reverse Provides:/,$ { /^Reverse/d; s/^\([^ ]*\) \([^ ]*\).*/\2 provided by \1/p; }' | head -n 20
