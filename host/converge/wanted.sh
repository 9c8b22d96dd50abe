
# --- what is wanted -------------------------------------------------------------------------------------------

read_settings() {
    HERE=$RUN/$project KEPT=$STATE/$project
    [ ! -r "$ETC/converge.conf" ] || take "$ETC/converge.conf"
    # Its name in Consul may be another; the last run has noted it.
    [ ! -r "$RUN/node" ] || read -r NODE <"$RUN/node"
    SERVICE=$project TAG=$project::app CANARY_TAG='' STABLE_TAG='' RINGS='' HEALTH_URL='' UNIT='' PACKAGES='' MAY_REMOVE='' MAY_UPGRADE=''
    if [ -r "$ETC/projects/$project.conf" ]; then
        take "$ETC/projects/$project.conf"
        read_token
    else
        read_token
        fail config "$ETC/projects/$project.conf is missing; this host does not run $project."
    fi
    [ -z "$CONSUL_CACERT" ] || [ -r "$CONSUL_CACERT" ] ||
        fail config "$CONSUL_CACERT cannot be read; correct CONSUL_CACERT in $ETC/converge.conf."
    find_source
    name_packages
    is_made_of "$PACKAGES" 'a-z0-9.+ -' || fail config "PACKAGES=$PACKAGES in $ETC/projects/$project.conf are not names of packages."
    case $VERIFY_PROVENANCE in yes | no) ;; *) fail config "VERIFY_PROVENANCE=$VERIFY_PROVENANCE is neither yes nor no; correct $ETC/converge.conf." ;; esac
    [ -n "$CANARY_TAG" ] || CANARY_TAG=${TAG}_canary
    # shellcheck disable=SC2086  # its words, with one space between
    set -- ${RINGS:-canary=$CANARY_TAG production=$TAG}
    RINGS=$*
    refuse_odd_rings
    [ -z "$STABLE_TAG" ] || is_made_of "$STABLE_TAG" 'A-Za-z0-9:._/@+-' || fail config "STABLE_TAG=$STABLE_TAG in $ETC/projects/$project.conf is not a tag."
    is_made_of "$SERVICE" 'A-Za-z0-9._+-' || fail config "SERVICE=$SERVICE in $ETC/projects/$project.conf is not a service name."
    case $UNIT in *@ | *@.*) fail config "UNIT=$UNIT in $ETC/projects/$project.conf is a template; name one of its instances, as in ${UNIT%%@*}@1.service." ;; esac
    local seconds=''
    for seconds in "$DRAIN_LIMIT_SECONDS" "$MIN_HEALTHY_SECONDS" "$HEALTH_LIMIT_SECONDS" "$LOCK_SECONDS" \
        "$APT_LOCK_SECONDS" "$APT_LIMIT_SECONDS" "$APT_SILENCE_SECONDS" \
        "$RETRY_SECONDS" "$TURN_SECONDS" "$VERIFY_SECONDS" "${DRAIN_SECONDS%.*}"; do
        is_number "$seconds" && is_made_of "$DRAIN_SECONDS" 0-9. || fail config "'$seconds' is not a whole number of seconds; correct $ETC/converge.conf."
    done
}

# An operator may have written it in the other form.
find_source() {
    [ -e "$APT_SOURCE" ] || [ ! -e "${APT_SOURCE%.list}.sources" ] || APT_SOURCE=${APT_SOURCE%.list}.sources
}

# sh ends the program at a setting that is no sh.
take() { # FILE
    local settings="$1"
    trap 'fail config "$settings is not sh; correct what sh -n $settings names."' EXIT
    # shellcheck source=/dev/null
    . "$settings"
    trap - EXIT
    case "$CONSUL_HTTP_ADDR$CONSUL_TOKEN_FILE$CONSUL_CACERT$APT_SOURCE$REPOSITORY_KEY$SERVICE$TAG$CANARY_TAG$STABLE_TAG$RINGS$HEALTH_URL$UNIT$PACKAGES" in
        *[[:cntrl:]]*) fail config "A setting in $settings has a control character, perhaps Windows' line ends: sed -i 's/\\r\$//' $settings" ;;
    esac
}

refuse_odd_rings() {
    local word=''
    for word in $RINGS; do
        case $word in
            [a-z]*=?*) is_made_of "${word%%=*}" 'a-z0-9-' && is_made_of "${word#*=}" 'A-Za-z0-9:._/@+-' && continue ;;
        esac
        fail config "$word in RINGS of $ETC/projects/$project.conf is not a ring and its tag; write ring=tag."
    done
}

refuse_no_ring() {
    case $services in
        0) fail ring "The service $SERVICE is not registered with this host's Consul agent; register it." ;;
        1) ;;
        *) fail ring "The service $SERVICE is registered more than once with this host's Consul agent; deregister all but one." ;;
    esac
    is_made_of "$service_id" 'A-Za-z0-9._:+-' || fail ring "The service id $service_id of $SERVICE has characters that cannot be in a URL; register it under its name."
    [ -n "$ring" ] || fail ring "The service $SERVICE does not carry the tag of a ring ($RINGS); tag it."
}

read_wanted() {
    local key='' value=''
    while IFS='=' read -r key value || [ -n "$key" ]; do
        case $key in
            version) version=$value ;;
            package) packages=$value package=${value%% *} ;;
            sha256) sha256=$value ;;
            trace) trace=$value ;;
            generation) wanted_generation=$value ;;
            rollout) rollout=$value ;;
            hold) hold=$value ;;
            silent) silent=$value ;;
        esac
        key=''
    done <"$HERE/wanted-$ring"
    is_number "$wanted_generation" || { wanted_generation=0; unreadable; }
    [ -n "$version" ] || return 0
    case $version in [0-9]*) ;; *) unreadable ;; esac
    { is_made_of "$version" 'A-Za-z0-9.+~-' && are_names "$packages" &&
        are_digests "$sha256" "$packages" && [ ${#version} -le 255 ]; } || unreadable
    [ -z "$hold" ] || is_made_of "$hold" 'a-z_' || unreadable
    [ -z "$trace" ] || is_made_of "$trace" 'A-Za-z0-9._/@-' || unreadable
    refuse_other_name
    read_installed
}

# Of a release with several packages there are several, with a space between.
are_names() { # TEXT
    local one=''
    is_made_of "$1" 'a-z0-9.+ -' && [ -n "${1%% *}" ] || return 1
    for one in $1; do case $one in [a-z0-9]*) ;; *) return 1 ;; esac; done
}

are_digests() { # TEXT PACKAGES: at least one for each of them
    local one='' left=0
    is_made_of "$1" '0-9a-f ' || return 1
    for one in $1; do
        [ ${#one} -eq 64 ] || return 1
        left=$((left + 1))
    done
    for one in $2; do left=$((left - 1)); done
    [ "$left" -ge 0 ]
}

unreadable() { # [WHY]
    version='' package='' packages=''
    fail wanted "What is wanted on $ring of $project is unreadable${1:+ ($1)}; look at cicd/$project/wanted/$ring in Consul."
}

# Sets $dpkg, its word on the package, $installed, the version that is wholly there, $lasting, its units that stay
# active, $beside, what was installed with it, and $obsolete, what of that is not wanted any more.
read_installed() {
    local found='' one=''
    found=$(dpkg-query -W -f '${db:Status-Status} ${Version} ${X-CICD-Units}|${X-CICD-Packages}' "${package:-$project}" 2>/dev/null)
    beside=${found#*|} obsolete=''
    IFS=' ' read -r dpkg installed lasting <<FOUND
${found%%|*}
FOUND
    [ "$dpkg" = installed ] || installed='' lasting=''
    [ -z "$beside" ] || read_beside
    for one in $beside; do is_among "$one" "$packages" || obsolete="$obsolete $one"; done
}

# A release is wholly there when each of its packages is.
read_beside() {
    local found='' state='' at='' units='' one='' missing=0
    for one in $beside; do missing=$((missing + 1)); done
    # shellcheck disable=SC2086  # one word a package
    found=$(dpkg-query -W -f '${db:Status-Status} ${Version} ${X-CICD-Units}\n' $beside 2>/dev/null)
    while IFS=' ' read -r state at units; do
        lasting="$lasting $units"
        if [ "$state $at" = "installed $installed" ]; then missing=$((missing - 1)); else dpkg=${state:-$dpkg}; fi
    done <<FOUND
$found
FOUND
    [ "$missing" = 0 ] || installed='' lasting=''
}

is_among() { case " $2 " in *" $1 "*) ;; *) return 1 ;; esac; } # WORD WORDS

# Consul may serve what was true once (a backup, a leader that is none any more): what this host has seen is the least.
refuse_older() {
    local seen='' kept="$ring"
    # Other files there have words for names.
    case $ring in canary | production) ;; *) kept=ring-$ring ;; esac
    [ ! -r "$KEPT/$kept" ] || read -r seen <"$KEPT/$kept"
    is_number "$seen" || seen=0
    [ "$wanted_generation" -ge "$seen" ] ||
        fail stale "Consul shows generation $wanted_generation of $ring, but this host has seen $seen; nothing was changed. If Consul was restored from a backup on purpose: rm $KEPT/$kept"
    # Each change is one: such a leap is a slip, and noting it would make every later document an older one.
    [ "$seen" -eq 0 ] || [ $((wanted_generation - seen)) -le "$LEAP" ] ||
        unreadable "generation $wanted_generation comes right after $seen"
    [ "$wanted_generation" -eq "$seen" ] || keep "$kept" "$wanted_generation"
}

keep() { # NAME TEXT: on disk, all of it or nothing
    { printf '%s\n' "$2" >"$KEPT/.$1" && sync "$KEPT/.$1" && mv "$KEPT/.$1" "$KEPT/$1"; } 2>/dev/null ||
        fail disk "$KEPT cannot be written; free some space. Nothing was changed."
}

refuse_or_hold() {
    if [ -n "$generation" ] && [ "$generation" -lt "$wanted_generation" ]; then
        fail generation "$ring of $project is at generation $wanted_generation, this command is of $generation; a newer deploy has taken over."
    elif [ -n "$generation" ] && [ "$generation" -gt "$wanted_generation" ]; then
        fail generation "$ring of $project is at generation $wanted_generation in this host's Consul, this command is of $generation; run it again when Consul has caught up."
    fi
    [ -n "$version" ] || finish held empty "Nothing is wanted on $ring of $project."
    [ -z "$generation" ] || return 0
    [ -z "$hold" ] || stay "$hold" "$project is under a $hold; this host stays as it is."
    [ "$rollout" = open ] ||
        stay pushed "A deploy of $project to $ring is under way; this host waits for its turn."
}

# A run that was killed may have left this host out of traffic with nothing to wait for: what may serve, serves.
stay() { # CODE SENTENCE
    if [ "$kept_out" = "$MARK" ] && may_serve; then undrain; fi
    finish held "$1" "$2"
}

is_done() {
    [ ! -e "$KEPT/unfinished" ] && [ "$installed" = "$version" ] && is_active && answers
}
