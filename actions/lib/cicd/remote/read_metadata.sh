# Say what the project's contract check needs.  $1 run
set -eu
cd "$HOME/builds/$1/source"
echo "commits=$(git rev-list --count HEAD)"
echo "time=$(git log -1 --format=%ct)"
for name in script/cisetup script/cibuild script/post-inst script/post-install; do
    if [ -L "$name" ] || { [ -e "$name" ] && [ ! -f "$name" ]; }; then echo "$name=not a plain file"
    elif [ -x "$name" ]; then echo "$name=executable"
    elif [ -e "$name" ]; then echo "$name=not executable"
    else echo "$name=missing"
    fi
done
echo "submodules=$([ -e .gitmodules ] && echo present || echo missing)"
echo "lfs=$(git grep -q --cached 'filter=lfs' -- .gitattributes 2>/dev/null && echo present || echo missing)"
if [ -f fpm.json ] && [ ! -L fpm.json ]; then
    [ "$(wc -c <fpm.json)" -le 65536 ] || { echo "fpm.json is larger than 64 KiB" >&2; exit 1; }
    echo "fpm_json=$(base64 -w0 <fpm.json)"
fi
