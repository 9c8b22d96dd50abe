# Say what the project's contract check needs.  $1 run
set -eu
cd "$HOME/builds/$1" 2>/dev/null || { echo "the directory of run $1 is gone" >&2; exit 75; }
touch .
cat facts
[ ! -L source/fpm.json ] || { echo "fpm.json is a symbolic link: make it a file" >&2; exit 1; }
[ -f source/fpm.json ] || exit 0
[ "$(wc -c <source/fpm.json)" -le 65536 ] || { echo "fpm.json is larger than 64 KiB" >&2; exit 1; }
echo "fpm_json=$(base64 -w0 <source/fpm.json)"
