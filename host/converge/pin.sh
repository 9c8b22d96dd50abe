
# --- pins -----------------------------------------------------------------------------------------------------

# apt by itself moves no package of our source: none has a candidate there, but the wanted version of each project,
# which comes after what is installed. A person who installs a project's package anew gets the wanted version.
OF_SOURCE=-1 OF_WANTED=50
# What a run asks for by name may need others of our source: for its own apt they are packages as any.
LENT_OF_SOURCE=500 LENT_OF_WANTED=990

# Without a process when nothing has changed since.
keep_pins() {
    [ -e "$PINS" ] && [ -e "$KEPT/source" ] && [ ! /var/lib/apt/lists -nt "$KEPT/source" ] &&
        [ ! "$APT_SOURCE" -nt "$KEPT/source" ] && return
    mkdir -p "$KEPT"
    keep source "$(own_source)"
    write_pins
}

pin_wanted() {
    local pinned=''
    [ ! -r "$KEPT/pin" ] || read -r pinned <"$KEPT/pin"
    [ "$pinned" = "$packages $version" ] || { keep pin "$packages $version"; write_pins; }
}

# Prints what tells our source from all others of this host: what its Release says of itself, and its site.
own_source() {
    # shellcheck disable=SC2016  # apt fills these in, and leaves what the Release does not say
    apt-get indextargets --format '$(SOURCESENTRY)|$(ORIGIN)|$(LABEL)|$(CODENAME)|$(SUITE)|$(REPO_URI)' \
        'Created-By: Packages' 2>/dev/null | awk -F'|' -v own="$APT_SOURCE:" '
        function pin(text, k, i, said) {
            split(text, k, "|")
            for (i = 1; i <= 4; i++) if (k[i] != "") said = said (said ? "," : "release ") substr("olna", i, 1) "=" k[i]
            return said
        }
        function is_as(mine, other, m, o, i) {
            split(mine, m, "|"); split(other, o, "|")
            for (i = 1; i <= 4; i++) if (m[i] != "" && m[i] != o[i]) return 0
            return 1
        }
        {
            text = ""
            for (i = 2; i <= 5; i++) {
                if (substr($i, 1, 2) == "$(") $i = ""
                gsub(/[^A-Za-z0-9 ._:+~-]/, "?", $i)
                text = text $i "|"
            }
            site = $6
            if (!sub(/^[a-z0-9+]+:\/\/([^\/@]*@)?/, "", site)) site = ""
            sub(/[:\/].*/, "", site)
            if (index($1, own) == 1) { mine[text]; my_site[site] } else { theirs[text]; their_site[site] }
        }
        END {
            for (text in mine) {
                shared = pin(text) == ""
                for (other in theirs) if (is_as(text, other)) shared = 1
                if (!shared) print pin(text)
            }
            for (site in my_site) if (site != "" && !(site in their_site)) print "origin \"" site "\""
        }' | sort
}

write_pins() {
    {
        flock 8
        {
            printf '# Kept by cicd-converge, which alone moves these packages; see cicd-converge(8).\n\n'
            stanzas "$OF_SOURCE" "$OF_WANTED"
        } >"${PINS%/*}/.cicd" && mv "${PINS%/*}/.cicd" "$PINS"
    } 8>"$RUN/pins.lock" 2>/dev/null || fail disk "$PINS cannot be written; free some space. Nothing was changed."
}

stanzas() { # OF_SOURCE OF_WANTED
    local kept='' of='' pinned=''
    for kept in "$STATE"/*/pin; do
        of=${kept%/pin}
        [ -r "$kept" ] && [ -e "$ETC/projects/${of##*/}.conf" ] && read -r pinned <"$kept" || continue
        printf 'Package: %s\nPin: version %s\nPin-Priority: %s\n\n' "${pinned% *}" "${pinned##* }" "$2"
    done
    # What was seen when the package was installed counts until a project has looked: sources come and go.
    { cat "$STATE"/*/source 2>/dev/null || cat "$STATE"/.any/source 2>/dev/null; } | sort -u | while read -r pin; do
        [ -z "$pin" ] || printf 'Package: *\nPin: %s\nPin-Priority: %s\n\n' "$pin" "$1"
    done
}

# apt reads this in place of /etc/apt/preferences, before all of preferences.d.
lend_pins() {
    { stanzas "$LENT_OF_SOURCE" "$LENT_OF_WANTED"; cat /etc/apt/preferences 2>/dev/null || true; } >"$HERE/preferences" ||
        fail disk "$HERE cannot be written; free some space. Nothing was changed."
}

# What the package does when it is installed: before any project is known, too.
pin_all() {
    planning=yes KEPT=$STATE/.any
    [ ! -r "$ETC/converge.conf" ] || take "$ETC/converge.conf"
    find_source
    mkdir -p "$RUN"
    keep_pins
}
