"""`python3 -m gateway.build DIRECTORY`: make the package cicd-gateway, with the locked libraries in it."""

from __future__ import annotations

from deb.python_service import PythonService

DESCRIPTION = """Receive webhooks in front of StackStorm
 Verifies GitHub's signature and the tokens of Jenkins and of monitoring, keeps
 each event before it is acknowledged, and forwards what is checked, once."""
PACKAGE = PythonService("gateway", DESCRIPTION, ("gateway/**/*.py", "pack.yaml"))

if __name__ == "__main__":
    PACKAGE.main()
