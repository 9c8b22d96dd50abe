#!/bin/sh
# Bring this host to the version that its ring is wanted to run.
#
#   cicd-converge [--generation N] PROJECT      N: pushed by a deploy, which must find generation N advertised
#   cicd-converge --repair PROJECT              install the wanted version again, even if it seems to be there
#   cicd-converge --changed PROJECT             what Consul has below cicd/PROJECT/wanted/ changed, and comes on stdin
#   cicd-converge --leave PROJECT               leave traffic for good, and end when clients are done; for a host that is retired
#   cicd-converge --all                         every project of this host, as the timer and the watch do
#   cicd-converge --protocol                    say which protocol it speaks, for whoever is about to push
#   cicd-converge --pin                         keep apt from moving our source's packages, as the package's installation does
#   cicd-converge --plan PACKAGE[,PACKAGE…]=VERSION PROJECT    say what apt would do; neither host nor Consul changes
#
# Progress goes to stderr; stdout gets one JSON line, which is also stored in Consul as
# cicd/<project>/hosts/<node>, when it says something new. Exit 0: converged, unchanged or held. Exit 1: failed, with
# a code and a sentence.
# A run that finds nothing to do is the common one, every minute on every host: it starts few processes. What it calls
# sets variables; what only a deploy calls prints.
# shellcheck disable=SC3043  # Debian's policy asks `local` of every /bin/sh
set -u
umask 022
PATH=/usr/sbin:/usr/bin:/sbin:/bin
# dpkg has hooks of its own; these are the words by which the usual ones keep still.
export PATH LC_ALL=C DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 NEEDRESTART_MODE=l \
    APT_LISTCHANGES_FRONTEND=none APT_LISTBUGS_FRONTEND=none

AGENT=@VERSION@
PROTOCOL=1  # of the arguments above and the report; a pack that needs another one leaves this host alone
ETC=${CICD_ETC:-/etc/cicd}
RUN=${CICD_RUN:-/run/cicd}
STATE=${CICD_STATE:-/var/lib/cicd-converge}
PINS=${CICD_PINS:-/etc/apt/preferences.d/00cicd.pref}
MARK='cicd-converge is updating this host'
LEAP=1000000  # generations within which the next document may be

CONSUL_HTTP_ADDR=http://127.0.0.1:8500
CONSUL_TOKEN_FILE=
CONSUL_CACERT=
DRAIN_SECONDS=1
DRAIN_LIMIT_SECONDS=30
MIN_HEALTHY_SECONDS=2
HEALTH_LIMIT_SECONDS=30
LOCK_SECONDS=120
APT_LOCK_SECONDS=60
APT_LIMIT_SECONDS=120
APT_SILENCE_SECONDS=10
RETRY_SECONDS=60
TURN_SECONDS=60
VERIFY_SECONDS=3600
APT_SOURCE=/etc/apt/sources.list.d/cicd.list
VERIFY_PROVENANCE=yes
REPOSITORY_KEY=

SERVICE='' TAG='' CANARY_TAG='' STABLE_TAG='' RINGS='' HEALTH_URL='' UNIT='' PACKAGES='' MAY_REMOVE='' MAY_UPGRADE=''
project='' target='' generation='' repairing=no planning=no watching=no leaving=no
HERE='' KEPT='' token='' http='' lists=/var/lib/apt/lists
ring='' version='' package='' packages='' obsolete='' wanted_generation=0 sha256='' trace='' rollout='' hold='' silent=''
services='' service_id='' address='' port='' kept_out='' registered='' foreign='' stable='' session=''
files='' installed='' dpkg='' lasting='' beside='' unit='' inactive='' edited='' log='' alive='' restarts=''
drained=no disturbed=no finished=no
spent_drain=0 spent_update=0 spent_install=0 spent_health=0

say() { printf '%s\n' "$*" >&2; }

# Sets $now: hundredths of a second since boot. The wall clock may jump while we wait.
now() {
    read -r now _ </proc/uptime
    now=${now%.*}${now#*.}
}

over() { # START SECONDS: have SECONDS passed since START?
    now
    [ $((now - $1)) -ge $(($2 * 100)) ]
}

is_made_of() { # TEXT CHARACTERS: some text, and of these characters only
    case $1 in '' | *[!$2]*) return 1 ;; esac
}

# A whole number that the shell compares rightly: 12 digits at most, and no leading zero, which would make it octal.
is_number() { # TEXT
    case $1 in '' | *[!0-9]* | 0?* | ?????????????*) return 1 ;; esac
}

now
began=$now
read -r NODE </proc/sys/kernel/hostname
