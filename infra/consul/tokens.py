"""
Consul's tokens of a site: `.venv/bin/python infra/consul/tokens.py site.yaml [--grant] [--url URL]`.

It writes a new secret into each file of a token that is missing. With `--grant` it lets Consul know them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:1] = [str(ROOT), str(ROOT / "actions" / "lib")]

from infra.consul import grant, granting, site_data, token_file
from infra.consul.acl import Acl
from infra.consul.grant import Grant
from infra.consul.granting import Granting
from infra.consul.refusal import Refusal
from infra.consul.site_data import Site


def main() -> int:
    """Do what the command line says; return 1 with a sentence when it cannot be done."""
    options = _arguments()
    try:
        found = site_data.read(options.site)
        grants = grant.of_site(found)
        for line in granted(found, grants, options.url) if options.grant else written(found, grants):
            print(line, flush=True)
    except Refusal as refusal:
        print(f"tokens.py: {refusal}", file=sys.stderr)
        return 1
    return 0


def written(found: Site, grants: list[Grant]) -> Iterator[str]:
    """Write the files that are missing, and yield a line for each file."""
    for one in grants:
        is_new = token_file.write_missing(found.files / one.file)
        yield f"{one.file}: {'written' if is_new else 'there already'}"
    yield "Make the site now, then run this again with --grant."


def granted(found: Site, grants: list[Grant], url: str) -> Iterator[str]:
    """Let Consul know all tokens, and yield a line for each change."""
    for one in grants:
        token_file.secret(found.files / one.file)
    acl = Acl(url.rstrip("/") or _url(found), _authority(found))
    does, count = Granting(acl, granting.manager(acl, found), found), 0
    for line in chain(does.policies(grants), does.tokens(grants)):
        count += 1
        yield line
    yield f"Consul knows the {len(grants)} tokens of the site; {count or 'nothing'} changed."


def _authority(found: Site) -> Path | None:
    """Return the file with the certificate of the authority that Consul is believed by."""
    if "tls" not in found.consul:
        return None
    path = found.files / str(found.consul["tls"]["ca_file"])
    if not path.is_file():
        raise Refusal(f"{path} is missing. Put the authority's certificate there, as docs/consul.md says.")
    return path


def _url(found: Site) -> str:
    """Return where Consul's first server answers."""
    server, scheme, port = found.consul["servers"][0], *_answers(found)
    host = found.hosts[server]["address"]
    listen = found.own(found.consul["listen"], server).replace("0.0.0.0", host)
    if listen.startswith("127.") and listen != host:
        raise Refusal(
            f"Consul on {server} answers only there, at {listen}. Open a tunnel with "
            f"`ssh -N -L {port}:{listen}:{port} root@{host}`, and add `--url {scheme}://127.0.0.1:{port}`."
        )
    return f"{scheme}://{listen}:{port}"


def _answers(found: Site) -> tuple[str, int]:
    return ("https", 8501) if "tls" in found.consul else ("http", 8500)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Write Consul's tokens of a site, and let Consul know them.")
    parser.add_argument("site", type=Path, help="the site's data file")
    parser.add_argument("--grant", action="store_true", help="make the policies and tokens in Consul")
    parser.add_argument("--url", default="", help="where Consul answers; its first server when none is given")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
