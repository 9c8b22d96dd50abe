"""`python3 -m gateway.build DIRECTORY`: make the package cicd-gateway, with the locked libraries in it."""

from __future__ import annotations

from deb.python_service import PythonService, checked

NAME, CONFIG = "cicd-gateway", "/etc/cicd/gateway/gateway.yaml"
DESCRIPTION = """Receive webhooks in front of StackStorm
 Verifies GitHub's signature and the tokens of Jenkins and of monitoring, keeps
 each event before it is acknowledged, and forwards what is checked, once."""
PACKAGE = PythonService(
    name=NAME,
    module="gateway",
    description=DESCRIPTION,
    files=("gateway/**/*.py", "pack.yaml"),
    config=CONFIG,
    sample="gateway.yaml.example",
    configure=checked(NAME, CONFIG),
)

if __name__ == "__main__":
    PACKAGE.main()
