#!/bin/sh
# Stand-in for host/cicd-converge: same arguments, exit codes, report and Consul keys; installing is writing a file.
# sshd sets HOST (its name), HOME_OF (its folder), CONSUL (URL, or empty: then what is wanted is a file beside it).
# The file fault in HOME_OF says what goes wrong here: hang, install, health, update, garbage, flood, old, slow.
cd "$HOME_OF" || exit 70
fault=$(cat fault 2>/dev/null)
[ "${1:-}" != --protocol ] || { [ "$fault" = old ] && { echo "usage: cicd-converge" >&2; exit 2; }; echo 1; exit 0; }
[ "$1" = --generation ] || exit 2
asked=$2 project=$3 version='' state=unchanged code=ok message='is installed and healthy.'

field() { printf '%s\n' "$document" | sed -n "s/^$1=//p"; }
check() { # passing|critical
    [ -z "$CONSUL" ] || sed "s/STATUS/$1/" entry.json | curl -fsS -X PUT --data-binary @- "$CONSUL/v1/catalog/register" >/dev/null
}
finish() { # STATE CODE MESSAGE
    line="{\"project\":\"$project\",\"host\":\"$HOST\",\"wanted\":\"$version\",\"installed\":\"$(cat installed 2>/dev/null)\",\"generation\":$generation,\"state\":\"$1\",\"code\":\"$2\",\"message\":\"$3\",\"seconds\":{\"total\":0}}"
    [ -z "$CONSUL" ] || printf '%s' "$line" | curl -fsS -X PUT --data-binary @- "$CONSUL/v1/kv/cicd/$project/hosts/$HOST" >/dev/null
    printf '%s\n' "$line"
    [ "$1" != failed ]; exit
}

ring=$(cat ring)
if [ -n "$CONSUL" ]; then document=$(curl -fsS "$CONSUL/v1/kv/cicd/$project/wanted/$ring?raw"); else document=$(cat wanted); fi
version=$(field version) generation=$(field generation)
echo "$generation" >>generations
[ "$asked" = "$generation" ] || finish failed generation "$ring of $project is at generation $generation, this command is of $asked; a newer deploy has taken over."
[ "$fault" != hang ] || { echo $$ >hanging; sleep 600; }
[ "$fault" != garbage ] || { echo '{{ 7 * 7 }} <% ctx(x) %>'; exit 1; }
[ "$fault" != flood ] || { yes 'no report' | head -c 50000000; exit 1; }
[ "$(cat installed 2>/dev/null)" != "$version" ] || finish unchanged ok "$project $version is installed and healthy."
if [ "$fault" = update ] && [ "$version" = "$(cat bad 2>/dev/null)" ]; then
    finish failed update "apt cannot read the repository: it did not end within 20 s and was stopped."
fi
check critical
[ "$fault" != slow ] || sleep 2
if [ "$fault" = install ] && [ "$version" = "$(cat bad 2>/dev/null)" ]; then
    check passing
    finish failed install "$project $version could not be installed: E: post-inst failed"
fi
sleep 0.2
printf '%s' "$version" >installed
printf '%s\n' "$version" >>installs
if [ "$fault" = health ] && [ "$version" = "$(cat bad 2>/dev/null)" ]; then
    finish failed health "$project $version did not answer for 2 s within 30 s."
fi
check passing
finish converged ok "$project $version is installed and healthy."
