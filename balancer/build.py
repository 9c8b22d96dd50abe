"""`python3 -m balancer.build DIRECTORY`: make the package cicd-traffic, with dpkg-deb alone."""

from __future__ import annotations

from deb.python_service import PythonService

NAME = "cicd-traffic"
DESCRIPTION = """Send each canary its share of HAProxy's requests
 Follows the shares that the local Consul agent has, keeps them in a map file
 of HAProxy and in the process that runs, and reports what is applied."""
# HAProxy refuses to start without a map that its configuration names, so the map stays until a purge, too.
CONFIGURE = f"""mkdir -p /var/lib/{NAME}
[ -e /var/lib/{NAME}/shares.map ] || : >/var/lib/{NAME}/shares.map
chown {NAME}:{NAME} /var/lib/{NAME} /var/lib/{NAME}/shares.map
deb-systemd-helper enable {NAME}.service >/dev/null || true
"""
PACKAGE = PythonService(
    name=NAME,
    module="balancer",
    description=DESCRIPTION,
    files=("balancer/**/*.py", "follow/**/*.py", "pack.yaml"),
    config="/etc/cicd/traffic.conf",
    sample="traffic.conf",
    configure=CONFIGURE,
    depends="haproxy (>= 2.0), passwd, python3 (>= 3.8)",
)

if __name__ == "__main__":
    PACKAGE.main()
