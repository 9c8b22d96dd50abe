
# --- provenance -----------------------------------------------------------------------------------------------

# A package is installed when the repository's key has signed what it was built from, or when this very package ran here:
# a rollback needs neither the document nor a key that has changed since.
verify_provenance() {
    [ "$VERIFY_PROVENANCE" != no ] && ! ran_here || return 0
    local wrong='' keyrings='' got=''
    rm -rf "$HERE/papers"
    mkdir -p "$HERE/papers/got"
    chown _apt "$HERE/papers/got" 2>/dev/null || true
    read_keys
    insist provenance "The provenance of $package $version cannot be read; publish the package again, or set VERIFY_PROVENANCE=no in $ETC/projects/$project.conf" papers
    is_signed || fail provenance "The provenance of $package $version is not signed by a key that this host trusts for $APT_SOURCE; nothing was changed. After a change of keys, give the host the new key."
    wrong=$(contradiction) || wrong='is unreadable'
    [ -z "$wrong" ] || fail provenance "The provenance of $package $version $wrong; nothing was changed. Find out who published it."
}

# Sets $keyrings: the keys that the source names, or else all that apt trusts; gpgv reads them without armor.
read_keys() {
    local count=0 key=''
    for key in $(named_keys); do
        [ -r "$key" ] || continue
        count=$((count + 1))
        plain "$key" >"$HERE/papers/$count.gpg"
        keyrings="$keyrings --keyring $HERE/papers/$count.gpg"
    done
}

named_keys() {
    [ -z "$REPOSITORY_KEY" ] || { printf '%s\n' "$REPOSITORY_KEY"; return; }
    # Of a key in the source itself lines begin with a space, and an empty one is a dot.
    awk -v inline="$HERE/papers/inline.asc" '
        within && /^ / { line = substr($0, 2); print line == "." ? "" : line >inline; next }
        { within = 0 }
        tolower($0) ~ /^signed-by:/ { within = 1; sub(/^[^:]*:[ \t]*/, ""); gsub(/[, \t]+/, "\n"); if ($0 != "") print }
        /^ *deb / && match($0, /signed-by=[^] ]*/) { keys = substr($0, RSTART + 10, RLENGTH - 10); gsub(/,/, "\n", keys); print keys }
    ' "$APT_SOURCE" >"$HERE/papers/named"
    [ ! -e "$HERE/papers/inline.asc" ] || echo "$HERE/papers/inline.asc"
    if grep -qs '^/' "$HERE/papers/named"; then cat "$HERE/papers/named"; return; fi
    [ -e "$HERE/papers/inline.asc" ] || printf '%s\n' /etc/apt/trusted.gpg /etc/apt/trusted.gpg.d/*.gpg /etc/apt/trusted.gpg.d/*.asc
}

plain() { # KEY
    if grep -q '^-----BEGIN PGP' "$1"; then
        awk '/^-----BEGIN/ { x = 1 } /^[ \t\r]*$/ && x == 1 { x = 2 } /^[^=-]/ && x == 2 { print } /^-----END/ { exit }' "$1" | base64 -di
    else
        cat "$1"
    fi
}

# By apt's own way to the source: its proxy, its login, its certificates.
papers() {
    local uri='' ended=1
    # shellcheck disable=SC2016  # for apt
    for uri in $(apt-get -o Dir::Etc::sourcelist="$APT_SOURCE" -o Dir::Etc::sourceparts=- indextargets \
        --format '$(REPO_URI)' 'Created-By: Packages' | sort -u); do
        paper provenance.json.asc && paper provenance.json && return
        ended=$?
    done
    printf '%s\n' "${got:-no repository is known; is the source in use?}"
    return "$ended"
}

paper() { # NAME
    got=$(timeout -k 5 "$(left)" /usr/lib/apt/apt-helper -c "$HERE/apt.conf" download-file "${uri%/}/provenance/$package/$version/$1" "$HERE/papers/got/$1" 2>&1)
}

# A second signature by a key that is not here yet, or no more, is no matter; one that is wrong is.
is_signed() {
    # shellcheck disable=SC2086  # one word an option
    [ -n "$keyrings" ] && gpgv --homedir "$HERE/papers" --status-fd 1 $keyrings "$HERE/papers/got/provenance.json.asc" "$HERE/papers/got/provenance.json" 2>/dev/null |
        awk '$2 == "GOODSIG" { good = 1 } $2 == "BADSIG" { bad = 1 } END { exit bad || !good }'
}

# Prints how the statement differs from what is wanted, nothing when it does not.
contradiction() {
    jq -r --arg packages "$packages" --arg version "$version" --arg sha256 "$sha256" --arg trace "$trace" \
        --arg project "$project" '
        .predicate.buildDefinition.externalParameters as $origin |
        ($sha256 / " ") as $wanted | ($packages / " " | map("\(.)_\($version)_")) as $names |
        [.subject[] | select(.digest.sha256 as $one | any($wanted[]; . == $one))] as $found |
        if ($found | map(.digest.sha256) | unique) != ($wanted | unique) then "names other bytes"
        elif all($found[].name; . as $file | any($names[]; . as $name | $file | startswith($name))) | not
            then "names another package"
        elif ($origin.project // $project) != $project then "is of the project \($origin.project)"
        elif $trace != "" and $origin.trace != $trace then "is of another commit, \($origin.trace)"
        elif ($version | capture("-[0-9]+[.](?<short>[0-9a-f]{7})$").short // "") as $short | ($origin.commit | startswith($short) | not)
            then "is of another commit, \($origin.commit)"
        else "" end' "$HERE/papers/got/provenance.json" 2>/dev/null
}

ran_here() {
    local known=''
    [ -r "$KEPT/ran" ] || return 1
    while read -r known; do [ "$known" != "$package $version $sha256" ] || return 0; done <"$KEPT/ran"
    return 1
}

note_run() {
    ran_here || keep ran "$(tail -n 49 "$KEPT/ran" 2>/dev/null; printf '%s\n' "$package $version $sha256")"
}
