"""
Makes a site's machines by Puppet, over SSH: `.venv/bin/python infra/puppet/apply.py site.yaml`.

Each machine is sent this environment, the data file, and of the site's files those that it needs.
The exit code is 0 when nothing changed, 2 when something did, 1 when a machine failed.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
ENVIRONMENT = "etc/puppet/code/environments/cicd"
PARTS = ("environment.conf", "hiera.yaml", "manifests", "cicd")
PACKAGES = "puppet-agent puppet-module-puppetlabs-stdlib"
AT_ONCE = 4
# root alone sees what comes. What a new version of the module has no more goes.
RUN = f"""set -e
umask 077
command -v puppet >/dev/null || {{
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends {PACKAGES}
}}
rm -rf /{ENVIRONMENT}
tar -x --no-same-owner -C /
exec puppet apply --environment=cicd --detailed-exitcodes --summarize --color=false"""
DIFFERENCES = re.compile(r"^ +Out of sync: (\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Result:
    """What came of one machine: Puppet's exit code, and what it said."""

    host: str
    code: int
    said: str

    @property
    def has_failed(self) -> bool:
        return self.code not in (0, 2)

    @property
    def differences(self) -> int:
        """How much was not as the data say."""
        return sum(map(int, DIFFERENCES.findall(self.said)))


def main() -> int:
    """Make the machines that the command line names, or all of them."""
    options = _arguments()
    site = yaml.safe_load(options.site.read_text())["cicd"]
    changed = False
    for group in in_order(site, options.hosts or list(site["hosts"])):
        with ThreadPoolExecutor(AT_ONCE) as pool:
            results = list(pool.map(lambda host: apply(options, site, host), group))
        for result in results:
            sys.stdout.write(f"{result.said}\n{result.host}: {result.differences} differences\n")
        if any(result.has_failed for result in results):
            return 1
        changed = changed or any(result.code == 2 for result in results)
    return 2 if changed else 0


def in_order(site: dict[str, Any], hosts: list[str]) -> list[list[str]]:
    """Return *hosts* as groups that follow each other: all others install from the repository host."""
    first = [host for host in hosts if "repository_host" in site["hosts"][host]["roles"]]
    others = [host for host in hosts if host not in first]
    return [group for group in (first, others) if group]


def apply(options: argparse.Namespace, site: dict[str, Any], host: str) -> Result:
    """Send *host* what it needs, and let it apply that."""
    words = ["--noop"] if options.noop else []
    command = " ".join([RUN, *words, f"/{ENVIRONMENT}/manifests/site.pp"])
    done = subprocess.run(
        [*_ssh(options, site, host), command],
        input=_archive(options.site, site, host),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return Result(host, done.returncode, done.stdout.decode(errors="replace"))


def needed(site: dict[str, Any], host: str) -> set[str]:
    """Return which of the site's files *host* needs."""
    roles = site["hosts"][host]["roles"]
    files = _files_of_all(site)
    for role in roles:
        files |= _files_of(site, role)
    return {file.replace("{host}", host) for file in files}


def _files_of_all(site: dict[str, Any]) -> set[str]:
    consul = site["consul"]
    tokens = {consul["tokens"]["agent_file"]} if "tokens" in consul else set()
    return {
        site["repository"]["public_key_file"],
        consul["encrypt_file"],
        *consul.get("tls", {}).values(),
        *tokens,
    }


def _files_of(site: dict[str, Any], role: str) -> set[str]:
    ssh, tokens, its = site["ssh"], site["consul"].get("tokens", {}), site[role]
    key, known = ssh["public_key_file"], ssh["known_hosts_file"]
    if role == "app_host":
        return {key, *([tokens["converge_file"]] if tokens else [])}
    if role == "build_host":
        return {key, known, *its["secrets"].values()}
    if role == "repository_host":
        return {key, site["packages"], its["signing_key_file"]}
    if role == "load_balancer":
        return {tokens["traffic_file"], tokens["render_file"]} if tokens else set()
    own = {its["config_file"], *its["secrets"].values()}
    if role == "stackstorm_host":
        return {known, *own}
    return {site["stackstorm_host"]["config_file"], *own} if role == "status_host" else own


def _archive(data: Path, site: dict[str, Any], host: str) -> bytes:
    """Return a tar of the environment, the data, and the files that *host* needs, by their paths there."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", dereference=True) as tar:
        for part in PARTS:
            tar.add(HERE / part, f"{ENVIRONMENT}/{part}")
        _add(tar, f"{ENVIRONMENT}/data/site.yaml", quoted(data))
        for file in sorted(needed(site, host)):
            tar.add(Path(site["files"], file), f"{site['files']}/{file}".lstrip("/"))
    return written.getvalue()


def quoted(data: Path) -> bytes:
    """Return the data with quotes around each text: to Ruby's YAML, `:80` without them is no text."""
    return json.dumps(yaml.safe_load(data.read_text())).encode()


def _add(tar: tarfile.TarFile, path: str, content: bytes) -> None:
    entry = tarfile.TarInfo(path)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


def _ssh(options: argparse.Namespace, site: dict[str, Any], host: str) -> list[str]:
    known = Path(site["files"], site["ssh"]["known_hosts_file"])
    checked = ["-o", "StrictHostKeyChecking=yes", "-o", f'UserKnownHostsFile="{known}"']
    identity = ["-i", str(options.identity)] if options.identity else []
    where = ["-p", str(site["ssh"]["port"]), f"root@{site['hosts'][host]['address']}"]
    return ["ssh", "-o", "BatchMode=yes", *checked, *identity, *where]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Make a site's machines by Puppet, over SSH as root.")
    parser.add_argument("site", type=Path, help="the site's data file")
    parser.add_argument("hosts", nargs="*", help="only these; all of the data file when none is named")
    parser.add_argument("--noop", action="store_true", help="say what would change, and change nothing")
    parser.add_argument("-i", dest="identity", type=Path, help="the private key for SSH, as ssh -i")
    return parser.parse_intermixed_args()


if __name__ == "__main__":
    sys.exit(main())
