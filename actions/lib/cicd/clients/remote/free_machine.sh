# Let this machine be nobody's again: what it was given goes, what was installed for all projects stays.
# $1 project  $2 its package
set -eu
sudo=
[ "$(id -u)" = 0 ] || sudo='sudo -n'
for unit in cicd-first-boot.service "cicd-converge-watch@$1.service" cicd-converge.timer consul.service; do
    $sudo systemctl disable --quiet --now "$unit" 2>/dev/null || $sudo systemctl stop --quiet "$unit" 2>/dev/null || true
done
lock=/run/cicd/$1/lock
if $sudo test -e "$lock"; then
    $sudo flock -w 45 "$lock" true || { echo "cicd-converge is at work on $1; try again" >&2; exit 1; }
fi
if dpkg-query -W -f '${db:Status-Status}' "$2" 2>/dev/null | grep -qx installed; then
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-auto-remove remove "$2" >/dev/null
fi
for folder in /etc/consul.d /var/lib/consul /etc/cicd /var/lib/cicd-converge; do
    ! $sudo test -d "$folder" || $sudo find "$folder" -mindepth 1 -delete
done
! $sudo grep -qs '^# cicd wrote this: ' "/etc/default/$1" || $sudo rm -f "/etc/default/$1"
$sudo rm -f /etc/cloud/cloud.cfg.d/90_cicd.cfg
$sudo cloud-init clean --logs --seed
$sudo rm -f /var/lib/cicd-machine/order
