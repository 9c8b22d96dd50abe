# Say of each path in the source of a run whether it is a plain file, reached through no symbolic link.
# $1 run  $2… paths
set -eu
cd "$HOME/builds/$1/source"
top=$(pwd -P)
shift
for path in "$@"; do
    if [ ! -e "$path" ] && [ ! -L "$path" ]; then state=missing
    elif [ ! -f "$path" ] || [ "$(realpath -- "$path")" != "$top/$path" ]; then state='not a plain file'
    elif [ -x "$path" ]; then state=executable
    else state='not executable'
    fi
    echo "$path=$state"
done
