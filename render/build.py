"""`python3 -m render.build DIRECTORY`: make the package cicd-render, with the locked libraries in it."""

from __future__ import annotations

from deb.python_service import PythonService

NAME = "cicd-render"
DESCRIPTION = """Make files of this host from what Consul knows
 Renders templates with the services, nodes and keys of the local Consul agent,
 lets a command check each file before it takes its place, applies and reports
 it. Brings a template for HAProxy in front of all projects."""
CONFIGURE = f"""mkdir -p /etc/cicd/render.d
deb-systemd-helper enable {NAME}.service >/dev/null || true
"""
PACKAGE = PythonService(
    name=NAME,
    module="render",
    description=DESCRIPTION,
    files=("render/**/*.py", "follow/**/*.py", "pack.yaml", "render/templates/*"),
    config="/etc/cicd/render.conf",
    sample="render.conf",
    configure=CONFIGURE,
    user="",
)

if __name__ == "__main__":
    PACKAGE.main()
