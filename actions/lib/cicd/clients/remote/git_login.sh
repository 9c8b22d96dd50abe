# How git logs in where a project's code is; it never asks anyone. Whoever includes this has a function `fail`.
readable() {
    case $1 in *[!A-Za-z0-9._/@+-]*) fail "$1 is no path of a secret" ;; esac
    [ -r "$1" ] || fail "the secret $1 cannot be read on this build host: put it there, readable for $(id -un)"
}

log_in() { # DEPLOY_KEY TOKEN_FILE: files on this host, or empty
    identity='' helper=''
    [ -z "$1" ] || { readable "$1"; identity="-i $1 -o IdentitiesOnly=yes"; }
    [ -z "$2" ] || { readable "$2"; helper="!f() { echo username=x-access-token; printf 'password=%s\\n' \"\$(cat $2)\"; }; f"; }
    export GIT_TERMINAL_PROMPT=0 GIT_SSH_COMMAND="ssh -o BatchMode=yes -o StrictHostKeyChecking=yes $identity"
}

git_in() { git -c credential.helper= -c "credential.helper=$helper" "$@"; }
