
# --- the watch ------------------------------------------------------------------------------------------------

# Consul tells the watch of every ring's document, on stdin. This host has something to do when that of its own ring is
# another one, and open, and not what a push has just brought. A deploy that walks the ring comes to each host in turn,
# and so does who takes the ring back; should nobody come, the timer's run is due within a minute.
is_concerned() {
    local known="$RUN/$project" index='' seen=''
    [ -r "$known/told" ] || return 0
    index=$(jq -r --arg project "$project" --slurpfile told "$known/told" '
        (($told[0].ring | select(. != "")) // error) as $ring
        | .[] | select(.Key == "cicd/\($project)/wanted/\($ring)") | .ModifyIndex as $index
        | .Value // "" | @base64d / "\n" | select(index("rollout=open") and (index("restoring=yes") | not))
        | select(($told[0].state | IN("converged", "unchanged") | not) or (index("hold=") | not) or
            (index("generation=\($told[0].generation)") | not)) | $index' 2>/dev/null) || return 0
    [ ! -r "$known/watched" ] || read -r seen <"$known/watched"
    [ -n "$index" ] && [ "$index" != "$seen" ] || return 1
    printf '%s\n' "$index" >"$known/watched"
}
