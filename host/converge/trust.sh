
# --- what may be installed ------------------------------------------------------------------------------------

# Sets $PACKAGES: the names that are the project's.
name_packages() {
    [ -z "$PACKAGES" ] || return 0
    PACKAGES=$project
    case $project in *[A-Z_]*) PACKAGES=$(printf '%s' "$project" | tr 'A-Z_' 'a-z-') ;; esac
}

refuse_other_name() {
    local other=''
    for other in $packages; do
        ! is_own "$other" || continue
        package='' packages=''
        fail name "$other is not a package of $project, which has $PACKAGES; nothing was changed. If it is one: PACKAGES=\"$PACKAGES $other\" in $ETC/projects/$project.conf."
    done
}

# What is installed beside the first package is called as that, with more behind a hyphen, or is named in PACKAGES.
is_own() { # NAME
    is_among "$1" "$PACKAGES" || case $1 in "$package"-*) is_among "$package" "$PACKAGES" ;; *) return 1 ;; esac
}

# A name that another project has, or a package that another hand installed: it is not ours to replace.
refuse_foreign() {
    local one=''
    for one in $packages $obsolete; do refuse_foreign_package "$one"; done
}

refuse_foreign_package() { # NAME
    local settings='' other='' names='' status='' essential='' commit='' there=''
    for settings in "$ETC"/projects/*.conf; do
        other=${settings##*/} other=${other%.conf}
        [ "$other" != "$project" ] || continue
        names=$(PACKAGES='' project=$other; { . "$settings"; } >/dev/null 2>&1; name_packages; printf '%s' "$PACKAGES")
        case " $names " in *" $1 "*) fail name "$1 is a package of $other on this host, not only of $project; correct PACKAGES in $ETC/projects. Nothing was changed." ;; esac
    done
    IFS='|' read -r status essential commit there <<PACKAGE
$(dpkg-query -W -f '${db:Status-Status}|${Essential}|${X-Git-Commit}|${Version}' "$1" 2>/dev/null)
PACKAGE
    case $status in '' | config-files | not-installed) return ;; esac
    [ "$essential" != yes ] || fail name "$1 is essential to this host, and cannot be a project's package; nothing was changed."
    [ -n "$commit" ] || is_built "$there" ||
        fail name "$1 $there on this host was not built by this pipeline; nothing was changed. If $project is to replace it, remove it first."
}

# As every version of this pipeline ends: -<commits>.<seven digits of the commit>.
is_built() { # VERSION
    local short="${1##*.}" commits="${1%.*}"
    commits=${commits##*-}
    [ ${#short} -eq 7 ] && is_made_of "$short" 0-9a-f && is_made_of "$commits" 0-9
}

refuse_masked() { # UNITS
    local one=''
    for one in $1; do
        [ "$(systemctl show -p LoadState --value "$one" 2>/dev/null)" != masked ] ||
            fail masked "$one is masked on this host, so $project $version could not start; nothing was changed: systemctl unmask $one, then converge again."
    done
}

refuse_unfit() {
    refuse_masked "$UNIT"
    [ -r "$APT_SOURCE" ] || fail config "The source $APT_SOURCE is missing; write it, or correct APT_SOURCE in $ETC/converge.conf."
}

# dpkg leaves out what an operator excludes and says nothing: the package would be there without its files. What people
# read may be left out; it is then not looked for.
refuse_excluded() {
    sed -n "s/^ *path-\(exclude\|include\)[ =]*[\"']\{0,1\}\(\/[^\"']*\)[\"']\{0,1\} *$/\1 \2/p" \
        /etc/dpkg/dpkg.cfg /etc/dpkg/dpkg.cfg.d/* 2>/dev/null >"$HERE/excludes"
    [ -s "$HERE/excludes" ] || return 0
    local line='' path='' target='' left_out=''
    while IFS= read -r line; do
        read_line_of "$line"
        is_excluded || { printf '%s\n' "$line"; continue; }
        case $line in d*) ;; *) is_for_people || left_out=${left_out:-$path} ;; esac
    done <"$HERE/content" >"$HERE/content.kept"
    [ -z "$left_out" ] ||
        fail excluded "$left_out of $package $version would be left out by path-exclude in /etc/dpkg; nothing was changed. Add path-include=$left_out there."
    mv "$HERE/content.kept" "$HERE/content"
}

# A later rule decides.
is_excluded() { # of $path
    local excluded=include rule='' pattern=''
    # shellcheck disable=SC2254  # a pattern
    while read -r rule pattern; do case $path in $pattern) excluded=$rule ;; esac; done <"$HERE/excludes"
    [ "$excluded" = exclude ]
}

is_for_people() { # $path
    case $path in /usr/share/doc/* | /usr/share/man/* | /usr/share/info/* | /usr/share/locale/* | /usr/share/lintian/*) ;; *) return 1 ;; esac
}
