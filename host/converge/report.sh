
# --- what is told ---------------------------------------------------------------------------------------------

# Sets $quoted: text as a JSON string, printable characters only, at most 500 of them.
quote() { # TEXT
    if [ ${#1} -le 500 ] && { [ -z "$1" ] || is_made_of "$1" 'A-Za-z0-9 ._:@/+~=,;()-'; }; then
        quoted="\"$1\""
    else
        quoted=$(quote_any "$1")
    fi
}

quote_any() {
    printf '%s' "$1" | tr '\n\t' '  ' | tr -cd '\040-\176' | cut -c1-500 | sed 's/\\/\\\\/g; s/"/\\"/g; s/^/"/; s/$/"/' |
        { IFS= read -r line || line='""'; printf '%s' "${line:-\"\"}"; }
}

# Sets $report.
compose() { # STATE CODE MESSAGE
    report="\"state\":\"$1\",\"code\":\"$2\""
    for pair in "message=$3" "project=$project" "host=$NODE" "ring=$ring" "wanted=$version" "installed=$installed" \
        "dpkg=$dpkg" "edited=$edited" "log=$log" "registered=$registered" "foreign=$foreign" "agent=$AGENT" "alive=$alive"; do
        quote "${pair#*=}"
        report="$report,\"${pair%%=*}\":$quoted"
    done
    since "$began"
    report="{$report,\"generation\":$wanted_generation,\"at\":\"$(date -u +%Y-%m-%dT%H:%M:%SZ)\""
    report="$report,\"seconds\":{\"drain\":$spent_drain,\"update\":$spent_update,\"install\":$spent_install,\"health\":$spent_health,\"total\":$spent}}"
}

finish() { # STATE CODE MESSAGE: tell Consul and the caller, and end
    finished=yes
    # The message may quote a tool's output, and a tool's output may hold anything.
    [ "$planning" = yes ] || show_life
    compose "$1" "$2" "$3"
    [ "$planning" = yes ] || is_told || tell
    printf '%s\n' "$report"
    say "$project: $1: $3"
    [ "$1" != failed ] || exit 1
    exit 0
}

# Sets $log: what the unit said last, for whoever reads why it failed.
read_log() {
    [ -z "$UNIT" ] || log=$(timeout 5 journalctl -q -b -u "$UNIT" -n 5 -o cat --no-pager 2>/dev/null </dev/null | tail -c 500)
}

# Sets $alive: by what the pack knows that this host converges. A check that is renewed with the same words is nothing
# that Consul writes down; a report is. A pack that does not ask for it, or a token that may not, gets every report.
show_life() {
    alive=report
    is_number "$silent" && [ "$silent" -gt 0 ] || return 0
    { is_entered && renew; } || { enter && renew; } || return 0
    alive=check
}

renew() { put "/v1/agent/check/pass/cicd-converge:$project" 2>/dev/null; }

is_entered() {
    entered=''
    [ ! -r "$HERE/entered" ] || read -r entered <"$HERE/entered"
    [ "$entered" = "$silent" ]
}

# A service of its own: what becomes of the check must not take the project out of traffic.
enter() {
    put /v1/agent/service/register --data-binary '{"ID":"cicd-converge","Name":"cicd-converge"}' 2>/dev/null &&
        put /v1/agent/check/register --data-binary "{\"ID\":\"cicd-converge:$project\",\"ServiceID\":\"cicd-converge\",\"Name\":\"cicd-converge runs for $project\",\"TTL\":\"${silent}s\"}" 2>/dev/null &&
        printf '%s\n' "$silent" >"$HERE/entered"
}

# Does Consul have this report, whatever time it is of? Our own writes there are read with everything else.
is_told() {
    [ "$alive" = check ] || return 1
    told=''
    [ ! -r "$HERE/told" ] || IFS= read -r told <"$HERE/told" || true
    [ "${told%,\"at\":*}" = "${report%,\"at\":*}" ]
}

tell() {
    put "/v1/kv/cicd/$project/hosts/$NODE" --data-binary "$report" 2>/dev/null ||
        { say "the report could not be stored in Consul"; return 0; }
    [ ! -d "$HERE" ] || printf '%s' "$report" >"$HERE/told"
}

fail() { # CODE SENTENCE
    read_installed
    case $1 in unit | health | install | hung) read_log ;; esac
    undrain_if_serving "$1" "$2"
    finish failed "$1" "$2"
}
