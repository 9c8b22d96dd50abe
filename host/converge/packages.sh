
# --- packages -------------------------------------------------------------------------------------------------

# Descriptor 9 is our lock: a daemon that a maintainer script starts must not keep it.
apt() {
    timeout -k 10 "$APT_LIMIT_SECONDS" apt-get -q -y -o Acquire::Retries=2 -o Acquire::http::Timeout=10 \
        -o DPkg::Lock::Timeout="$APT_LOCK_SECONDS" -o Dpkg::Use-Pty=0 \
        -o DPkg::Options::=--force-confdef -o DPkg::Options::=--force-confold \
        "$@" </dev/null 2>&1 9>&-
}

# Only our own source: an unreachable mirror of the distribution must not stop a deploy.
apt_update() {
    apt -o Dir::Etc::sourcelist="$APT_SOURCE" -o Dir::Etc::sourceparts=- -o APT::Get::List-Cleanup=0 \
        -o APT::Update::Error-Mode=any update
}

# A dependency may come from the distribution, whose lists this host never had, or had long ago.
knows_too_little() { # OUTPUT
    case $1 in *'unmet dependencies'* | *'404 '*) return 0 ;; esac
    return 1
}

# What a maintainer script said comes before apt's and dpkg's summary of it.
last_words() {
    printf '%s\n' "$1" | grep -v -e '^ *$' -e '^Errors were encountered' -e "^ $package\$" -e '^E: Sub-process' | tail -n 4
}

blame() { # EXIT_CODE OUTPUT CODE SENTENCE: fail with the cause when apt names one that is not the package's
    case $1 in 124 | 137) fail hung "$4: it did not end within $APT_LIMIT_SECONDS s and was stopped; see what it waits for, then converge again." ;; esac
    case $2 in
        *'Could not get lock'* | *'Unable to acquire the dpkg'* | *'is locked by another process'*)
            fail locked "$4: another package manager is at work; converge again when it has ended ($(last_words "$2"))" ;;
        *'No space left on device'* | *'enough free space'*)
            fail disk "$4: the disk is full; free some space, then converge again ($(last_words "$2"))" ;;
        *'is not valid yet'*)
            fail clock "$4: by this host's clock the repository is of the future; set the clock ($(last_words "$2"))" ;;
    esac
    fail "$3" "$4: $(last_words "$2")"
}

# What an interrupted run left would make apt refuse everything: dpkg tidies its journal when it selects,
# even nothing; what is half-configured is configured. The scripts of our own package are not run:
# a newer version of it may be the cure for a script that hangs.
repair() {
    dpkg --set-selections </dev/null >/dev/null 2>&1 || true
    broken=$(dpkg-query -W -f '${db:Status-Status} ${Package} ${binary:Package}\n' | awk -v own="$package" '
        $1 ~ /^(unpacked|half-configured|triggers-awaited|triggers-pending)$/ && $2 != own { print $3 }')
    # shellcheck disable=SC2086  # one word a package
    [ -z "$broken" ] || timeout -k 10 "$APT_LIMIT_SECONDS" dpkg --force-confdef --force-confold --configure $broken \
        >/dev/null 2>&1 </dev/null 9>&- || say "still not configured: $broken"
}

# Sets $said. Waits while someone else holds one of apt's locks, and tries once more after any other failure: a client
# that looks between two publishes sees indexes that do not match.
insist() { # CODE SENTENCE COMMAND [ARGUMENTS]
    code=$1 sentence=$2 tries=1; shift 2
    now
    insisted=$now
    until said=$("$@"); do
        ended=$?
        case $said in
            *'Could not get lock'*) ! over "$insisted" "$APT_LOCK_SECONDS" || tries=3 ;;
            *) tries=$((tries + 1)) ;;
        esac
        [ "$tries" -le 2 ] && [ "$ended" -ne 124 ] || blame "$ended" "$said" "$code" "$sentence"
        sleep 1
    done
}

update() {
    now
    from=$now
    insist update "apt cannot read the repository" apt_update
    since "$from"; spent_update=$spent
}

# Over HTTP apt asks by whole seconds whether an index has changed: of two that were published within one second it
# keeps the first, until it looks as if it had seen none.
fetch() {
    found=$(apt install --download-only --reinstall --allow-downgrades "$package=$version") && return
    fetched=$?
    case $found in
        *"was not found"* | *"Unable to locate package"*)
            find /var/lib/apt/lists -maxdepth 1 -name '*Release' -exec touch -d @0 {} +
            apt_update >/dev/null ;;
    esac
    ! knows_too_little "$found" || apt update >/dev/null
    printf '%s\n' "$found"
    return "$fetched"
}

download() {
    insist fetch "apt cannot fetch $package $version" fetch
    file=$(find /var/cache/apt/archives -maxdepth 1 -name "${package}_${version}_*.deb" | head -n 1)
    { [ -n "$file" ] && [ "$(sha256sum "$file" | cut -d' ' -f1)" = "$sha256" ]; } || {
        rm -f "$file"
        fail digest "The repository's $package $version is not the package that was recorded (sha256 $sha256); nothing was installed."
    }
}

install() {
    now
    from=$now
    download
    # From here to the proof of health the host is in between, whatever dpkg says.
    keep unfinished "$version"
    # apt knows no file to reinstall for what is half-configured; that it configures.
    again=--reinstall
    [ "$installed" = "$version" ] || again=''
    # shellcheck disable=SC2086  # an option or none
    said=$(apt install $again --allow-downgrades "$package=$version") || {
        ended=$?
        since "$from"; spent_install=$spent
        blame "$ended" "$said" install "$package $version could not be installed"
    }
    rm -f "$file" "$HERE/verified"
    since "$from"; spent_install=$spent
    state=$(dpkg-query -W -f '${Status} ${Version}' "$package" 2>/dev/null)
    [ "$state" = "install ok installed $version" ] ||
        fail state "dpkg says that $package is '$state', not installed at $version; see /var/log/dpkg.log."
}

# Sets $edited: files that are not as the package brought them, its settings aside; looked up once in VERIFY_SECONDS.
verify() {
    if [ -r "$HERE/verified" ] && IFS=' ' read -r at edited <"$HERE/verified" && is_number "$at" && ! over "$at" "$VERIFY_SECONDS"; then
        return
    fi
    edited=$(dpkg --verify "$package" 2>/dev/null | awk '$2 != "c" { sub(/^[^ ]+ +/, ""); print }' | head -n 3 | paste -sd ' ' -)
    now
    printf '%s %s\n' "$now" "$edited" >"$HERE/verified"
}
