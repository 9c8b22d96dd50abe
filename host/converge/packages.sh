
# --- packages -------------------------------------------------------------------------------------------------

# Descriptor 9 is our lock: a daemon that a maintainer script starts must not keep it. apt lets others read lists that it
# is writing, and they find half of them: what this run decides by, it reads when no run of another project writes.
apt() {
    local locked=''
    # A plan has lists of its own, and leaves nothing on the host.
    case "$planning $* " in
        yes*) ;;
        *' update '*) locked="flock --close --exclusive $RUN/lists.lock" ;;
        *' install '*) locked="flock --close --shared $RUN/lists.lock" ;;
    esac
    # shellcheck disable=SC2086  # a command, or none
    timeout -k 10 "$(left)" $locked apt-get -q -y -c "$HERE/apt.conf" "$@" </dev/null 2>&1 9>&- 7>&-
}

# The project's packages at the wanted version, up or down: all of them, or apt does nothing.
apt_install() { # [OPTIONS]
    local one=''
    # apt knows no file to reinstall for what is half-configured; that it configures.
    ! is_partly_there || set -- --reinstall "$@"
    [ -n "$MAY_REMOVE$obsolete" ] || set -- --no-remove "$@"
    for one in $packages; do set -- "$@" "$one=$version"; done
    for one in $obsolete; do set -- "$@" "$one-"; done
    apt install --allow-downgrades "$@"
}

is_partly_there() {
    # shellcheck disable=SC2086  # one word a package
    dpkg-query -W -f '${db:Status-Status} ${Version}\n' $packages 2>/dev/null | grep -q -x -F "installed $version"
}

# What has begun here has APT_LIMIT_SECONDS in all, however many commands it needs.
begin() {
    now
    deadline=$((now + APT_LIMIT_SECONDS * 100))
}

# Prints whole seconds, at least one.
left() {
    now
    echo $((now < deadline ? (deadline - now + 99) / 100 : 1))
}

# Hooks restart, upgrade or ask about other software (needrestart, apt-listchanges, apt-listbugs): a deploy runs none.
# apt reads this file after all others, so that nothing comes back.
configure_apt() {
    cat >"$HERE/apt.conf" <<CONF || fail disk "$HERE cannot be written; free some space. Nothing was changed."
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear AptCli::Hooks;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Install-Pkgs;
APT::Get::AutomaticRemove "false";
APT::Get::Purge "false";
Acquire::Retries "0";
Acquire::http::Timeout "$APT_SILENCE_SECONDS";
Acquire::https::Timeout "$APT_SILENCE_SECONDS";
DPkg::Lock::Timeout "$APT_LOCK_SECONDS";
Dpkg::Use-Pty "0";
DPkg::Options { "--force-confdef"; "--force-confold"; };
Dir::Etc::preferences "$HERE/preferences";
CONF
}

# Only our own source: an unreachable mirror of the distribution must not stop a deploy. By our key it may call itself
# what it likes, since the pins follow.
apt_update() {
    apt -o Dir::Etc::sourcelist="$APT_SOURCE" -o Dir::Etc::sourceparts=- -o APT::Get::List-Cleanup=0 \
        -o APT::Update::Error-Mode=any --allow-releaseinfo-change update
}

# A dependency may come from the distribution, whose lists this host never had, or had long ago. They may be locked by
# the run of another project.
informed() { # COMMAND: once more with the lists of all sources when apt knows too little
    local found='' failed=0
    found=$("$@") || failed=$?
    case $failed$found in 0*) ;; *'unmet dependencies'* | *'404 '*)
        failed=0 found=$(apt update) || failed=$?
        case $failed$found in [1-9]*'Could not get lock'*) ;; *) "$@"; return ;; esac ;;
    esac
    printf '%s\n' "$found"
    return "$failed"
}

# What a maintainer script said comes before apt's and dpkg's summary of it.
last_words() {
    # shellcheck disable=SC2086  # one word a package
    printf '%s\n' "$1" | grep -v -e '^ *$' -e '^Errors were encountered' -e '^E: Sub-process' |
        grep -v -x -F -e "$(printf ' %s\n' $packages)" | tail -n 4
}

blame() { # EXIT_CODE OUTPUT CODE SENTENCE: fail with the cause when apt names one that is not the package's
    local code="$3"
    case $1 in 124 | 137) [ "$3" != install ] || code=hung
        fail "$code" "$4: it did not end within $APT_LIMIT_SECONDS s and was stopped; see what it waits for, then converge again." ;;
    esac
    case $2 in
        *'Could not get lock'* | *'Unable to acquire the dpkg'* | *'is locked by another process'*)
            fail locked "$4: another package manager is at work; converge again when it has ended ($(last_words "$2"))" ;;
        *'No space left on device'* | *'enough free space'*)
            fail disk "$4: the disk is full; free some space, then converge again ($(last_words "$2"))" ;;
        *'is not valid yet'*)
            fail clock "$4: by this host's clock the repository comes from the future; set the clock ($(last_words "$2"))" ;;
        *'unmet dependencies'* | *'held broken packages'*)
            fail dependency "$4: what it depends on is not available ($(last_words "$2"))" ;;
    esac
    fail "$3" "$4: $(last_words "$2")"
}

# What an interrupted run left would make apt refuse everything: dpkg tidies its journal when it selects,
# even nothing; what is half-configured is configured. The scripts of our own package are not run:
# a newer version of it may be the cure for a script that hangs.
repair() {
    local broken=''
    dpkg --set-selections </dev/null >/dev/null 2>&1 || true
    broken=$(dpkg-query -W -f '${db:Status-Status} ${Package} ${binary:Package}\n' | awk -v own=" $packages $obsolete " '
        $1 ~ /^(unpacked|half-configured|triggers-awaited|triggers-pending)$/ && !index(own, " " $2 " ") { print $3 }')
    # shellcheck disable=SC2086  # one word a package
    [ -z "$broken" ] || timeout -k 10 "$(left)" dpkg --force-confdef --force-confold --configure $broken \
        >/dev/null 2>&1 </dev/null 9>&- || say "still not configured: $broken"
}

# Sets $said. Waits while someone else holds one of apt's locks, and tries once more after any other failure that came
# quickly: a client that looks between two publishes sees indexes that do not match.
insist() { # CODE SENTENCE COMMAND [ARGUMENTS]
    local code="$1" sentence="$2" tries=1 ended=0; shift 2
    now
    local from="$now"
    until said=$("$@"); do
        ended=$?
        case $said in
            *'Could not get lock'*) ! over "$from" "$APT_LOCK_SECONDS" || tries=3 ;;
            *) if over "$from" "$APT_SILENCE_SECONDS"; then tries=3; else tries=$((tries + 1)); fi ;;
        esac
        [ "$tries" -le 2 ] && [ "$ended" -ne 124 ] || blame "$ended" "$said" "$code" "$sentence"
        sleep 1
    done
}

update() {
    insist update "apt cannot read the repository" apt_update
    [ "$planning" = yes ] || keep_pins
    lend_pins
}

# It takes dpkg's locks too, and hears of a hold: what apt refuses, it refuses here.
fetch() { apt_install --download-only; }

download() {
    local one='' file=''
    insist fetch "apt cannot fetch $packages $version" informed fetch
    files=''
    for one in $packages; do
        file=$(find /var/cache/apt/archives -maxdepth 1 -name "${one}_${version}_*.deb" | head -n 1)
        { [ -n "$file" ] && is_among "$(sha256sum "$file" | cut -d' ' -f1)" "$sha256"; } || {
            rm -f "$file"
            fail digest "The repository's $one $version is not the package that was recorded (sha256 $sha256); nothing was installed."
        }
        files="$files $file"
    done
}

# Everything that can fail without touching this host comes before it leaves traffic.
prepare() {
    begin
    local from="$now" file=''
    configure_apt
    repair
    update
    refuse_mark
    insist fetch "apt cannot install $packages $version" simulate
    refuse_others
    verify_provenance
    download
    for file in $files; do refuse_masked "$(dpkg-deb -f "$file" X-CICD-Units 2>/dev/null)"; done
    list_content
    refuse_excluded
    refuse_full
    refuse_clash
    # From here to the proof of health the host is in between, whatever dpkg says.
    keep unfinished "$version"
    now
    spent_update=$((now - from))
}

install() {
    now
    local from="$now" ended=0 state='' info='' one=''
    info=$(dpkg-query --control-path "$package" postrm 2>/dev/null)
    info=${info%/*}
    keep_old_hooks || fail disk "The scripts of the installed $package cannot be kept from running at an upgrade; check whether the disk is full. Nothing was installed."
    begin
    said=$(apt_install --no-download) || ended=$?
    now
    spent_install=$((now - from))
    exec 7>&-
    [ "$ended" = 0 ] || blame "$ended" "$said" install "$packages $version could not be installed"
    # shellcheck disable=SC2086  # one word a file
    rm -f $files "$HERE/verified"
    for one in $packages; do
        state=$(dpkg-query -W -f '${Status} ${Version}' "$one" 2>/dev/null)
        [ "$state" = "install ok installed $version" ] ||
            fail state "dpkg says that $one is '$state', not installed at $version; see /var/log/dpkg.log."
    done
    prove_content
}
