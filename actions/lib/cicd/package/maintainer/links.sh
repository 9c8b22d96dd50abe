
# Prints two lines for each symbolic link of this version: its path and its target.
links() {
    : # @links@
}

# Prints what the installed version brought, without the settings, which dpkg leaves.
brought() {
    settings=$info/$package.conffiles
    [ -e "$settings" ] || settings=/dev/null
    [ ! -e "$info/$package.list" ] || grep -vxF -f "$settings" "$info/$package.list" || true
}

# Prints the files of this version; dpkg lays their digests beside preinst.
files() { sed 's|^[0-9a-f]*  |/|' "$(dirname "$0")/md5sums" 2>/dev/null || true; }

# Prints what the installed version brought, with nothing below it, and is a directory in this version.
became_directories() {
    { brought; echo; files; links | sed -n 'p;n'; } | awk -F/ '
        $0 == "" { new = 1; next }
        { path = ""; for (i = 2; i < NF; i++) { path = path "/" $i; if (new) here[path]; else had[path] } }
        !new { own[$0] }
        END { for (path in own) if (path in here && !(path in had)) print path }'
}

# dpkg would follow a link where this version has a directory, and write into the link's target. A link that an operator
# made stays: the installed version has files below it.
move_links_aside() {
    became_directories | while IFS= read -r path; do
        [ ! -L "$path" ] || mv -T "$path" "$path.cicd-old"
    done
}

# dpkg keeps a directory where this version has a link. It empties it of what the package brought; what others put
# there would be in the way.
refuse_foreign_files() {
    links | while IFS= read -r path && IFS= read -r target; do
        [ -d "$path" ] && [ ! -L "$path" ] || continue
        foreign=$({ brought; echo; find "$path" -name __pycache__ -prune -o ! -type d -print; } |
            awk '!there && $0 == "" { there = 1; next } !there { own[$0]; next } !($0 in own)' | head -n 3)
        [ -z "$foreign" ] || {
            echo "$path is a directory, and a link to $target in this version of $package." \
                "It has files that $package did not bring: move them away first:" "$foreign" >&2
            exit 1
        }
    done
}

put_links_back() {
    brought | while IFS= read -r path; do
        [ -L "$path.cicd-old" ] || continue
        [ -L "$path" ] || rmdir "$path" 2>/dev/null || true
        [ -e "$path" ] || mv -T "$path.cicd-old" "$path"
    done
}

put_links() {
    brought | while IFS= read -r path; do
        [ ! -L "$path.cicd-old" ] || rm "$path.cicd-old"
    done
    links | while IFS= read -r path && IFS= read -r target; do
        [ -d "$path" ] && [ ! -L "$path" ] || continue
        find "$path" -depth -name __pycache__ -exec rm -r {} +
        find "$path" -depth -type d -exec rmdir {} +
        ln -sT "$target" "$path"
    done
}
