# Say what keeps this host from running a project.  $1 project
set -eu
[ -x /usr/bin/cicd-converge ] || { echo "cicd-converge is not installed" >&2; exit 1; }
sudo -n -l /usr/bin/cicd-converge >/dev/null 2>&1 || { echo "sudo does not allow cicd-converge" >&2; exit 1; }
[ -r "/etc/cicd/projects/$1.conf" ] || { echo "/etc/cicd/projects/$1.conf is missing" >&2; exit 1; }
