# Say who has a package of this name, or provides it: a line each with a version and where it is from.  $1 name
set -eu
export LC_ALL=C
dpkg-query -W -f '${db:Status-Status} ${Version} installed here\n' "$1" 2>/dev/null | sed -n 's/^installed //p'
command -v apt-cache >/dev/null || exit 0
apt-cache madison -- "$1" 2>/dev/null | sed -n 's/^[^|]*| *\([^ |]*\) *| *\(.*\) Packages$/\1 \2/p'
apt-cache showpkg -- "$1" 2>/dev/null | sed -n "/^Reverse Provides:/,\$ { /^Reverse/d; s/^\([^ ]*\) \([^ ]*\).*/\2 provided by \1/p; }" | head -n 20
