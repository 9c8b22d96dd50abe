
# --- content --------------------------------------------------------------------------------------------------

# What the packages bring, their settings aside, one sorted line each: TYPE PATH//TARGET. dpkg --verify looks at what
# files hold; types, links and directories are compared with these lines.
list_content() {
    local file=''
    : >"$HERE/sizes"
    for file in $files; do list_package; done | sort -u >"$HERE/content"
}

list_package() {
    { dpkg-deb --info "$file" conffiles 2>/dev/null; echo; dpkg-deb --fsys-tarfile "$file" | tar -tv --numeric-owner --quoting-style=literal; } |
        awk -v sizes="$HERE/sizes" '
            !listing { if ($0 == "") listing = 1; else setting[$NF] = 1; next }
            {
                type = substr($1, 1, 1); bytes = $3; path = $0; target = ""
                for (i = 0; i < 4; i++) sub(/^[^ ]+ +/, "", path)
                sub(/^[^ ]+ /, "", path)
                if (type == "l") { at = index(path, " -> "); target = substr(path, at + 4); path = substr(path, 1, at - 1) }
                if (type == "h") { at = index(path, " link to "); path = substr(path, 1, at - 1) }
                if (type ~ /[-h]/) type = "f"
                sub(/^\./, "", path); sub(/\/$/, "", path)
                folder = path; sub(/\/[^\/]*$/, "", folder)
                need[folder] += 4 * int((bytes + 4095) / 4096)
                if (path != "" && !(path in setting)) print type " " path "//" target
            }
            END { for (folder in need) print need[folder], folder >>sizes }'
}

# Writes the lines of CONTENT that are not so on this host.
compare() { # CONTENT
    sed 's/^. //; s#//.*##' "$1" | tr '\n' '\0' |
        xargs -0 -r sh -c 'exec find "$@" -maxdepth 0 -printf "%y %p//%l\n"' find 2>/dev/null | sort | comm -23 "$1" - >"$HERE/differing"
}

# Sets $path, and $target of a link, of the caller.
read_line_of() { # LINE
    path=${1#? } target=${1#*//}
    path=${path%%//*}
}

is_folder() { [ -d "$1" ] && [ ! -L "$1" ]; }

# dpkg unpacks beside what is there, so all of it must find room.
refuse_full() {
    local database='' bytes='' full=''
    eval "$(apt-config shell database Dir::State::status/f)"
    read -r bytes _ <<STAT
$(stat -c '%s' "$database")
STAT
    printf '%s %s\n' $((bytes / 512 + 64)) "${database%/*}" >>"$HERE/sizes"
    full=$(while read -r _ folder; do
        while [ -n "$folder" ] && [ ! -d "$folder" ]; do folder=${folder%/*}; done
        printf '%s\0' "${folder:-/}"
    done <"$HERE/sizes" | xargs -0 df -k --output=avail,target | grep -v Avail | paste -d ' ' "$HERE/sizes" - | awk '
        { need[$NF] += $1; room[$NF] = $(NF - 1) }
        END { for (disk in need) if (need[disk] > room[disk]) print need[disk] " KiB on " disk " (free: " room[disk] " KiB)" }')
    [ -z "$full" ] || fail disk "$package $version needs $full; free some space. Nothing was changed."
}

# dpkg puts a file where a directory was, and what it did not bring is gone with it. A link it does not put there at all.
refuse_clash() {
    local line='' path='' target='' strange=''
    # shellcheck disable=SC2086  # one word a package
    dpkg -L $packages 2>/dev/null | sort >"$HERE/own"
    compare "$HERE/content"
    while IFS= read -r line; do
        read_line_of "$line"
        case $line in d*) continue ;; esac
        is_folder "$path" || continue
        strange=$(find "$path" -mindepth 1 ! -type d | sort | comm -23 - "$HERE/own" | head -n 3 | paste -sd ' ' -)
        [ -z "$strange" ] ||
            fail content "$path is a directory on this host, but not in $package $version. It holds files that no version of the package brought ($strange): move that away, then converge again."
    done <"$HERE/differing"
}

# What is on this host now equals the package, whatever was there before, or the run fails.
prove_content() {
    local mended=no missed='' linked=no line='' path='' target=''
    compare "$HERE/content"
    while IFS= read -r line; do
        read_line_of "$line"
        mend "$line" || is_as_good "$line" || missed="$missed $path"
    done <"$HERE/differing"
    [ "$linked" = no ] || missed="$missed $(changed_files)"
    [ -z "${missed# }" ] ||
        fail content "What is on this host is not $package $version:$missed. Look at what was there before (ls -ld), move it away, then converge again."
    rm -f "$KEPT"/content.*
    cp "$HERE/content" "$KEPT/content.$version" 2>/dev/null || rm -f "$KEPT"/content.*
    # The code that runs must be started from what is there now.
    [ "$mended" = no ] || { read_unit; before=$unit; }
}

# dpkg keeps the directory that a link of the new version should replace; it is empty now.
mend() { # LINE
    case $1 in l*) is_folder "$path" && rmdir "$path" 2>/dev/null && ln -s "$target" "$path" && mended=yes ;; *) return 1 ;; esac
}

# A link to a directory may stand for one: operators move folders to other disks so. What a package's own script
# has changed is told as edited. What an operator excluded is not missing.
is_as_good() { # LINE
    case $1 in d*) [ ! -L "$path" ] || linked=yes; [ ! -d "$path" ] || return 0 ;; esac
    if [ -e "$path" ] || [ -L "$path" ]; then
        case $1 in d*) return 1 ;; *) ! is_folder "$path"; return ;; esac
    fi
    grep -qs '^ *path-exclude' /etc/dpkg/dpkg.cfg /etc/dpkg/dpkg.cfg.d/*
}

changed_files() {
    # shellcheck disable=SC2086  # one word a package
    dpkg --verify $packages 2>/dev/null | awk '$2 != "c" { sub(/^[^ ]+ +/, ""); print }' | head -n 3 | paste -sd ' ' -
}

changed_places() {
    local line='' path='' target=''
    [ -r "$KEPT/content.$installed" ] || return 0
    compare "$KEPT/content.$installed"
    while IFS= read -r line; do
        read_line_of "$line"
        case $line in d*) [ ! -d "$path" ] || continue ;; esac
        [ -e "$path" ] || [ -L "$path" ] || continue  # missing: dpkg says so as well
        printf '%s\n' "$path"
    done <"$HERE/differing" | head -n 3 | paste -sd ' ' -
}

# Sets $edited: what is not as the package brought it, its settings aside; looked up once in VERIFY_SECONDS.
verify() {
    local at=''
    if [ -r "$HERE/verified" ] && IFS=' ' read -r at edited <"$HERE/verified" && is_number "$at" && ! over "$at" "$VERIFY_SECONDS"; then
        return
    fi
    edited="$(changed_files) $(changed_places)"
    edited=${edited# } edited=${edited% }
    now
    printf '%s %s\n' "$now" "$edited" >"$HERE/verified"
}
