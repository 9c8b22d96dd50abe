
# --- what is told ---------------------------------------------------------------------------------------------

# In jq: what may be told of a text, printable characters, at most 500 of them.
PRINTABLE='def printable:
    [explode[] | if . == 9 or . == 10 then 32 else . end | select(. >= 32 and . < 127)] | .[:500] | implode;'

# Prints whether Consul has this report, whatever time it is of, and in a second line the report. Our own writes there are
# read with everything else. A program takes no longer text than 128 KiB in one piece.
compose() { # STATE CODE MESSAGE
    local told="$HERE/told"
    [ -r "$told" ] || told=/dev/null
    [ ${#3} -le 9999 ] || set -- "$1" "$2" "$(printf '%.9999s' "$3")"
    now
    state=$1 code=$2 message=$3 project=$project host=$NODE ring=$ring wanted=$version installed=$installed dpkg=$dpkg \
        edited=$edited log=$log registered=$registered foreign=$foreign agent=$AGENT alive=$alive restarts=$restarts \
        jq -cnR --argjson generation "$wanted_generation" \
        --argjson spent "[$spent_drain, $spent_update, $spent_install, $spent_health, $((now - began))]" "$PRINTABLE"'
        env as $env | reduce ("state", "code", "message", "project", "host", "ring", "wanted", "installed", "dpkg",
            "edited", "log", "registered", "foreign", "agent", "alive", "restarts") as $key
            ({}; .[$key] = ($env[$key] | printable)) | .generation = $generation
        | . as $said | any(inputs | fromjson? | objects; del(.at, .seconds) == $said),
        (.at = (now | floor | todate) | .seconds = ($spent | map(. / 100) |
            {drain: .[0], update: .[1], install: .[2], health: .[3], total: .[4]}))' "$told"
}

finish() { # STATE CODE MESSAGE: tell Consul and the caller, and end
    local known='' report=''
    finished=yes
    [ "$planning" = yes ] || { show_life; read_restarts; }
    { read -r known; IFS= read -r report; } <<REPORT
$(compose "$@")
REPORT
    [ -n "$report" ] || { say "jq does not run, so this host cannot report: apt-get install --reinstall jq"; exit 1; }
    [ "$planning" = yes ] || { [ "$known" = true ] && [ "$alive" = check ]; } || tell
    printf '%s\n' "$report"
    say "$project: $1: $3"
    [ "$1" != failed ] || exit 1
    exit 0
}

# Sets $restarts: how often systemd restarted the unit by itself since somebody started it.
read_restarts() {
    [ -z "$UNIT" ] || restarts=$(systemctl show -p NRestarts --value "$UNIT" 2>/dev/null)
}

# Sets $log: what the unit said since its last start, for whoever reads why it failed; what systemd said of it, if that is nothing.
read_log() {
    [ -z "$UNIT" ] || log=$(timeout 5 journalctl -q -b -u "$UNIT" -n 60 -o json --no-pager 2>/dev/null </dev/null |
        jq -sr "$LAST_WORDS" 2>/dev/null | uniq | tail -n 5 | tail -c 500)
}

# The two identifiers are systemd's: a unit is starting, a unit was started.
LAST_WORDS='. as $all |
    ([range(length) | select($all[.].MESSAGE_ID == ("7d4958e842da4a758f6c1cdc7b36dcc5", "39f53479d3a045ac8e11786248231fbf"))]
        | last // 0) as $start |
    [$all[$start:][] | select(.SYSLOG_IDENTIFIER != "systemd")] as $own |
    (if $own == [] then $all else $own end)[].MESSAGE | strings'

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
    local entered=''
    [ ! -r "$HERE/entered" ] || read -r entered <"$HERE/entered"
    [ "$entered" = "$silent" ]
}

# A service of its own: what becomes of the check must not take the project out of traffic.
enter() {
    put /v1/agent/service/register --data-binary '{"ID":"cicd-converge","Name":"cicd-converge"}' 2>/dev/null &&
        put /v1/agent/check/register --data-binary "$(check)" 2>/dev/null && printf '%s\n' "$silent" >"$HERE/entered"
}

check() {
    jq -n --arg project "$project" --arg ttl "${silent}s" '{ID: "cicd-converge:\($project)", ServiceID: "cicd-converge",
        Name: "cicd-converge runs for \($project)", TTL: $ttl}'
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
