
# --- a look ahead ---------------------------------------------------------------------------------------------

# Takes no lock and leaves nothing: neither host nor Consul changes.
plan() { # PACKAGE[,PACKAGE…]=VERSION
    planning=yes
    read_settings
    HERE=$(mktemp -d) || fail plan "No temporary folder can be made; look at df."
    trap 'rm -rf "$HERE"' EXIT
    ask
    refuse_no_ring
    packages=$(printf '%s' "${1%%=*}" | tr , ' ') version=${1#*=}
    package=${packages%% *}
    are_names "$packages" || usage
    refuse_other_name
    read_installed
    refuse_foreign
    begin
    configure_apt
    borrow_lists
    update
    refuse_mark
    insist plan "apt would not install $packages $version" simulate
    refuse_others
    printf '%s\n' "$said" | jq -cnR --arg project "$project" --arg host "$NODE" --arg ring "$ring" \
        --arg package "$package" --arg installed "$installed" --arg version "$version" "$PRINTABLE"'
        {state: "planned", project: $project, host: $host, ring: $ring, package: $package, installed: $installed,
            version: $version, apt: [limit(50; inputs | select(test("^(Inst|Remv|Purg) ")) | printable)]}'
}

# apt updates a folder of links: the host's own lists and caches stay as they are. Indexes' dates are changed, so
# these are copies.
borrow_lists() {
    mkdir "$HERE/lists"
    chmod 755 "$HERE" "$HERE/lists"
    find "$lists" -maxdepth 1 -type f ! -name lock ! -name '*Release' -exec ln -s -t "$HERE/lists" {} +
    find "$lists" -maxdepth 1 -type f -name '*Release' -exec cp -p -t "$HERE/lists" {} +
    lists=$HERE/lists
    printf 'Dir::State::lists "%s";\nDir::Cache::pkgcache "";\nDir::Cache::srcpkgcache "";\n' "$lists" >>"$HERE/apt.conf"
}
