# Say what a .deb that a run built contains, its control files among it.  $1 run  $2 path of the file below `out`
# `entries` (path, kind, mode, time and target, NUL after each) and `digests` (as sha256sum -z), both in base64
set -eu
export LC_ALL=C
cd "$HOME/builds/$1" 2>/dev/null || { echo "the directory of run $1 is gone" >&2; exit 75; }
command -v dpkg-deb >/dev/null || { echo "dpkg-deb is not installed on this build host" >&2; exit 1; }
rm -rf listed
dpkg-deb --raw-extract "out/$2" listed
cd listed
echo "entries=$(find . -mindepth 1 -printf '%P\0%y\0%m\0%Ts\0%l\0' | base64 -w0)"
echo "digests=$(find . -type f -printf '%P\0' | xargs -0r sha256sum -z | base64 -w0)"
