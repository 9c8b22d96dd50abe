# Take `made/output`, which somebody else made, as `tree`; build_tree.sh and take_tree.sh include this. $maker is who.
fail() { # MESSAGE [STATUS]
    chmod -R u+rwX made 2>/dev/null || true
    rm -rf made tree
    echo "$1" >&2
    exit "${2:-1}"
}

# This host's disk, and not the build's.
fail_here() { # MESSAGE
    case $1 in
        *'No space left'* | *'Disk quota'* | *'Read-only file system'* | *'Input/output error'*) fail "$1" 75 ;;
        *) fail "$1" ;;
    esac
}

names() { # FIND_EXPRESSION
    (cd made/output && find . -mindepth 1 "$@" -printf '%P\n' | sort | head -n 5 | tr '\n' ' ')
}

refuse() { # WHAT FIND_EXPRESSION
    what=$1
    shift
    found=$(names "$@")
    [ -z "$found" ] || fail "$maker made $what: $found"
}

# One look at all, since each costs; what is odd is named by a second one.
refuse_odd() {
    newline='
'
    long=$(printf '%247s' '' | tr ' ' '?')*
    set -- ! -type f ! -type d ! -type l -o -perm /6000 -o -name "*$newline*" -o -lname "*$newline*" -o -name "$long"
    [ -n "$(find made/output -mindepth 1 \( "$@" \) -print -quit)" ] || return 0
    refuse 'a device or a pipe, which no package has' ! -type f ! -type d ! -type l
    refuse 'what gives its rights to who runs it' -perm /6000
    refuse 'a name with a newline, or a link to one' \( -name "*$newline*" -o -lname "*$newline*" \)
    refuse 'a name of more than 246 bytes' -name "$long"
}

take() {
    chmod -R u=rwX,go=rX made/output
    mv made/output tree
    rm -rf made
    echo "digest=$(digest_of tree)"
    echo "links=$(find tree -type l -printf '%P\0%l\0' | head -c 4194304 | base64 -w0)"
}
