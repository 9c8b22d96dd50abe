# Say of each path in the source of a run what it is: a file, executable or not, a directory, or missing; `not a plain
# file` is everything else, and what only a symbolic link leads to.  $1 run  $2… paths; of `:path` its content, in base64
# Then what of the whole tree no package can hold, as names in base64 with NUL between.
set -eu
export LC_ALL=C
cd "$HOME/builds/$1/source"
top=$(pwd -P)
shift

state() { # PATH
    if [ "$(realpath -m -- "$1")" != "$top/$1" ]; then echo 'not a plain file'
    elif [ ! -e "$1" ]; then echo missing
    elif [ -d "$1" ]; then echo directory
    elif [ ! -f "$1" ]; then echo 'not a plain file'
    elif [ -x "$1" ]; then echo executable
    else echo 'not executable'
    fi
}

names() { # KEY FIND_EXPRESSION
    key=$1
    shift
    echo "$key=$(find . "$@" -printf '%P\0' | sort -z | head -zn 5 | base64 -w0)"
}

for path in "$@"; do
    case $path in
        :*) case $(state "${path#:}") in
                *executable) echo "content$path=$(head -c 65536 -- "${path#:}" | base64 -w0)" ;;
            esac ;;
        *) echo "$path=$(state "$path")" ;;
    esac
done
newline='
'
names tree:newline -name "*$newline*"
names tree:long -name "$(printf '%247s' '' | tr ' ' '?')*"
names tree:target -lname "*$newline*"
