# Say what this machine is taken for, and whether its first boot goes on.
set -eu
sudo=
[ "$(id -u)" = 0 ] || sudo='sudo -n'
# What nobody may look at is not free.
$sudo true
$sudo cat /var/lib/cicd-machine/order 2>/dev/null || exit 0
echo
systemctl is-active cicd-first-boot.service || true
