# Take this machine, and let cloud-init begin as at a first boot; say whether it was free.
# $1 folder with order, user-data and meta-data
set -eu
trap 'rm -rf "$1"' EXIT
sudo=
[ "$(id -u)" = 0 ] || sudo='sudo -n'
command -v cloud-init >/dev/null || { echo "cloud-init is not installed" >&2; exit 1; }
place=/var/lib/cicd-machine seed=/var/lib/cloud/seed/nocloud
$sudo mkdir -p "$place"
$sudo cp "$1/order" "$place/order.$$"
# Of two that come at once, one makes the link.
if ! $sudo ln "$place/order.$$" "$place/order" 2>/dev/null; then
    $sudo rm -f "$place/order.$$"
    echo taken
    exit 0
fi
$sudo rm -f "$place/order.$$"
$sudo cloud-init clean --logs
$sudo mkdir -p "$seed"
$sudo install -m 600 "$1/user-data" "$1/meta-data" "$seed/"
# The machine is installed already: it keeps its network and host keys, and does no more than what the order says.
$sudo tee /etc/cloud/cloud.cfg.d/90_cicd.cfg >/dev/null <<'EOF'
datasource_list: [NoCloud, None]
network: {config: disabled}
cloud_init_modules: [write-files, set_hostname]
cloud_config_modules: [runcmd]
cloud_final_modules: [scripts-user]
EOF
# As at a boot, a stage that fails keeps no other from it.
$sudo systemd-run --quiet --collect --unit=cicd-first-boot.service sh -c \
    'cloud-init init --local; cloud-init init; cloud-init modules --mode=config; cloud-init modules --mode=final'
echo free
