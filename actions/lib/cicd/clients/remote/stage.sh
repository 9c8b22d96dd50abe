# Lay out what a package holds, as files below `stage`; build_package.sh includes this. $prefix, $version, $commit and
# SOURCE_DATE_EPOCH are set. `source` has the commit, `$tree` what is packaged; $digest is its recorded digest, if it has one.

# A plain file that is reached through no symbolic link: a build reads nothing that is not in the commit.
plain() { [ -f "$1" ] && [ "$(realpath -- "$1")" = "$(pwd -P)/$1" ]; }

# A path of this run, there or not, that leads through no symbolic link: a build writes nothing outside of its directory.
own() {
    [ "$(realpath -m -- "$1")" = "$(pwd -P)/${1%/}" ] || { echo "$1 leads through a symbolic link of the repository"; return 1; }
}

# Git itself reads the patterns, in the language of .gitignore.
leave_out() {
    find "stage$prefix" -name .git -prune -exec rm -rf {} + && git init --quiet --bare --template= empty.git || return 1
    git --git-dir="$PWD/empty.git" --work-tree="$PWD/stage$prefix" ls-files --others --ignored --directory \
        --exclude-from="$PWD/exclude" -z -- "$PWD/stage$prefix" >left_out || return 1
    (cd "stage$prefix" && xargs -0r rm -rf --) <left_out
}

put() { # FROM TO MODE: a plain file, with its own mode when MODE is -
    plain "$1" || { echo "${1#*/} is not a plain file of the ${4:-repository}"; return 1; }
    own "$2" || return 1
    mode=$3
    [ "$mode" != - ] || { mode=0644; [ ! -x "$1" ] || mode=0755; }
    mkdir -p "$(dirname "$2")" && rm -f -- "$2" && cp -- "$1" "$2" && chmod "$mode" "$2"
}

# What a build made is looked at first: it need not copy what the commit has.
where() { # SOURCE
    for from in "$tree"/$1; do [ ! -e "$from" ] && [ ! -L "$from" ] || { echo "$tree"; return; }; done
    echo source
}

put_files() { # TYPE SOURCE DESTINATION MODE ATTRIBUTES: what a glob matches, or one file
    found=no
    for from in "$(where "$2")"/$2; do
        [ -e "$from" ] || [ -L "$from" ] || continue
        found=yes to=$3
        case $to in */) to=$to${from##*/} ;; esac
        case $to in *[!A-Za-z0-9._+@/-]*) echo "fpm.json's \`files\` match ${from#*/}: letters, digits and . _ + @ - alone"; return 1 ;; esac
        put "$from" "stage$to" "$4" tree || return 1
        [ "$1" != config ] || echo "$to" >>conffiles
        give "$to" "$5"
    done
    [ "$found" = yes ] || { echo "fpm.json's \`files\` name $2, which is not in the tree"; return 1; }
}

put_tree() { # SOURCE DESTINATION ATTRIBUTES
    from=$(where "$1")/$1
    [ -d "$from" ] && own "$from" || { echo "fpm.json's \`files\` name $1, which is not a directory of the tree"; return 1; }
    own "stage$2" && mkdir -p "stage$2" && cp -a --remove-destination -- "$from/." "stage${2%/}/" &&
        chmod -R u=rwX,go=rX "stage$2" && give "${2%/}/" "$3"
}

# The owner, group and mode that a path gets at installation; what is below it too when it ends in /.
give() { # PATH ATTRIBUTES
    [ "$2" = - ] || printf '%s\n' "$2:$1" >>attributes
}

put_entry() { # TYPE SOURCE DESTINATION MODE ATTRIBUTES
    case $1 in
        dir) own "stage$3" && mkdir -p "stage$3" && { [ "$4" = - ] || chmod "$4" "stage$3"; } && give "${3%/}" "$5" ;;
        symlink) own "stage$3" && mkdir -p "$(dirname "stage$3")" && ln -sT -- "$2" "stage$3" ;;
        tree) put_tree "$2" "$3" "$5" ;;
        *) put_files "$@" ;;
    esac
}

# Its last entry is this version, with the last commits; the link keeps FPM from calling it otherwise.
put_changelog() {
    read -r package _ <changelog
    folder=stage/usr/share/doc/$package
    own "$folder" && mkdir -p "$folder" && sed -i -e '/^@log@$/{r log' -e 'd}' changelog || return 1
    [ -e "$folder/changelog.Debian.gz" ] || gzip -9nc changelog >"$folder/changelog.Debian.gz" || return 1
    [ -e "$folder/changelog.gz" ] || ln -s changelog.Debian.gz "$folder/changelog.gz"
}

# A line `# @NAME@` of a script becomes the content of standard input, in base64 and with what prints it.
embed() { # NAME
    { echo "base64 -d <<'END'"; base64; echo END; } >embedded || return 1
    sed -i -e "/# @$1@\$/{r embedded" -e 'd}' -- preinst postinst postrm rpm-preinst rpm-postinst rpm-postrm
}

embed_all() {
    while IFS=$tab read -r name path; do
        plain "source/$path" || { echo "$path is not a plain file of the repository"; return 1; }
        embed "$name" <"source/$path" || return 1
    done <hooks
    [ ! -s attributes ] || embed attributes <attributes || return 1
    [ -z "$(find stage -type l -print -quit)" ] || find stage -type l -printf '/%P\n%l\0' | sort -z | tr '\0' '\n' | embed links
}

# dpkg lets no two packages have one file.
refuse_shared() {
    find stage ! -type d -printf '/%P\n' | sort >"out/$package.files" || return 1
    for other in out/*.files; do
        [ "$other" != "out/$package.files" ] || continue
        shared=$(comm -12 "$other" "out/$package.files" | head -n 1) other=${other#out/}
        [ -z "$shared" ] || { echo "$shared would be in ${other%.files} and in $package: keep one"; return 1; }
    done
}

# Modes and times come from the commit alone, or the same commit gives other bytes on another host.
put_default() {
    cp -al "$tree/." "stage$prefix/" && leave_out && chmod -R u=rwX,go=rX stage
}

stage() {
    rm -rf stage conf empty.git && mkdir -p "stage$prefix" out && : >attributes || return 1
    while read -r name content; do printf %s "$content" | base64 -d >"$name" || return 1; done <request
    digest_of "$tree" >digest || return 1
    [ -z "$digest" ] || [ "$(cat digest)" = "$digest" ] || { echo "the tree is $(cat digest), not the recorded $digest"; return 1; }
    put_default || return 1
    while IFS=$tab read -r type from to mode attributes; do
        put_entry "$type" "$from" "$to" "$mode" "$attributes" || return 1
    done <contents
    # Hooks and units are the commit's, and the last word on what the package is says the pipeline.
    while IFS=$tab read -r from to mode; do put "source/$from" "$to" "$mode" || return 1; done <copies
    printf 'version=%s\ncommit=%s\n' "$version" "$commit" >revision && rm -f "stage$prefix/REVISION" || return 1
    put revision "stage$prefix/REVISION" 0644 || return 1
    while IFS= read -r path; do
        plain "stage$path" || { echo "fpm.json's conffile $path is not a plain file of the package"; return 1; }
    done <conffiles
    put_changelog && embed_all && refuse_shared && find stage -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
}
