"""`python3 -m status.build DIRECTORY`: make the package cicd-status, with the locked libraries in it."""

from __future__ import annotations

from deb.python_service import PythonService, checked

NAME, CONFIG = "cicd-status", "/etc/cicd/status/status.yaml"
DESCRIPTION = """Show what runs where
 A page that follows Consul: the version of each ring, hosts that are not
 healthy, how far each commit came, and what to do next. It changes nothing,
 and answers JSON, badges and figures for Prometheus as well."""
OWN = tuple(f"status/**/*{ending}" for ending in (".py", ".html", ".css", ".js"))
# Parts of the pack that the page reads with, in the places where they look for each other.
PARTS = (
    "actions/lib/cicd/**/*.py",
    "config.schema.yaml",
    "pack.yaml",
    "gateway/__init__.py",
    "gateway/told.py",
)
PACKAGE = PythonService(
    name=NAME,
    module="status",
    description=DESCRIPTION,
    files=(*OWN, *PARTS),
    config=CONFIG,
    sample="status.yaml.example",
    configure=checked(NAME, CONFIG),
)

if __name__ == "__main__":
    PACKAGE.main()
