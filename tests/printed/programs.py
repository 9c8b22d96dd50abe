"""What the programs that read such files have against a block, which each finds in a folder of its own."""

from __future__ import annotations

import base64
import json
import os
import pwd
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from lab.consul import binary
from lab.places import Places
from tests.printed.texts import Text

KEY = base64.b64encode(bytes(32)).decode()  # in the place of what `consul keygen` says
FRAME = "global\ndefaults\n  mode http\n  timeout connect 2s\n  timeout client 10s\n  timeout server 10s\n"
SECTION = re.compile(r"^(global|defaults|frontend|backend|listen|resolvers|userlist|peers|cache)\b.*$", re.M)
RESOURCES = {
    "acl", "agent", "agent_prefix", "event", "event_prefix", "identity", "key", "key_prefix", "keyring",
    "mesh", "node", "node_prefix", "operator", "peering", "query", "query_prefix", "service",
    "service_prefix", "session", "session_prefix",
}  # fmt: skip
WRITTEN_BY_ICINGA = ("DataDir", "InitRunDir", "SpoolDir", "CacheDir", "LogDir")
LEVELS = {"read", "write", "deny", "list"}


def shell(block: Text) -> Iterator[str]:
    """Say why it is no shell."""
    code = re.sub(r"<([a-z-]+)>", r"\1", block.code)
    read = subprocess.run(["bash", "-n"], input=code, capture_output=True, text=True, check=False)
    yield from [read.stderr] if read.returncode else []


def consul(block: Text) -> Iterator[str]:
    """Say why a Consul agent would not start with it."""
    found = str(binary.find(Places.from_environment()))
    code = re.sub(r'(\bencrypt"?\s*[=:]\s*)"[^"]* [^"]*"', rf'\1"{KEY}"', block.code)

    def command(file: Path) -> list[str]:
        (file.parent / "frame.json").write_text(json.dumps({"data_dir": str(file.parent)}))
        return [found, "validate", str(file.parent)]

    yield from _said(replace(block, code=code), command)


def consul_policy(block: Text) -> Iterator[str]:
    """Say what is no resource of Consul's ACL rules, and what no level of rights."""
    rules = re.sub(r"#.*", "", block.code)
    names = re.findall(r"^(\w+)\b", rules, re.M)
    levels = re.findall(r'(?:^\w+|\b(?:policy|intentions))\s*=\s*"(\w+)"', rules, re.M)
    yield from (f"Consul has no rights for {name}" for name in names if name not in RESOURCES)
    yield from (f"{level} is no right" for level in levels if level not in LEVELS)


def haproxy(block: Text) -> Iterator[str]:
    """Say what HAProxy refuses, with the sections and the files around it that it needs."""
    with tempfile.TemporaryDirectory() as folder:
        code = re.sub(r"/[\w/.-]+\.(map|lst|pem)\b", lambda path: _made(folder, path[0]), block.code)
        code = code if SECTION.match(code) else f"frontend sample\n{code}"
        whole = re.sub(r"^\s*bind \S+", f"  bind unix@{folder}/socket", _framed(code), flags=re.M)
        yield from _said(Text("", whole, "", "haproxy.cfg"), lambda file: ["haproxy", "-c", "-f", str(file)])


def prometheus(block: Text) -> Iterator[str]:
    """Say what Prometheus refuses of its configuration."""
    yield from _said(block, lambda file: ["promtool", "check", "config", "--syntax-only", str(file)])


def prometheus_rules(block: Text) -> Iterator[str]:
    """Say what Prometheus refuses of its rules."""
    yield from _said(block, lambda file: ["promtool", "check", "rules", str(file)])


def alertmanager(block: Text) -> Iterator[str]:
    """Say what Alertmanager refuses of its configuration."""
    yield from _said(block, lambda file: ["amtool", "check-config", str(file)])


def unit(block: Text) -> Iterator[str]:
    """Say what systemd does not understand; programs that are not here are none of it."""
    argv = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no"]
    absent = re.compile(r"is not executable|Unit .* not found")
    said = _said(block, lambda file: [*argv, str(file)], fails_silently=True)
    yield from (line for text in said for line in text.splitlines() if line and not absent.search(line))


def icinga(block: Text) -> Iterator[str]:
    """Say what Icinga refuses."""
    user = pwd.getpwuid(os.getuid())[0]
    own = [f"-DRunAsUser={user}", "-DRunAsGroup=root"]

    def command(file: Path) -> list[str]:
        places = [f"-D{name}={file.parent}" for name in WRITTEN_BY_ICINGA]
        return ["icinga2", "daemon", "--validate", "-c", str(file), "-x", "warning", *places, *own]

    yield from _said(block, command)


def _said(block: Text, command: Callable[[Path], list[str]], fails_silently: bool = False) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / (block.title.rpartition("/")[2] or f"block.{block.language}")
        file.write_text(block.code)
        done = subprocess.run(command(file), capture_output=True, text=True, check=False)
        if done.returncode or fails_silently:
            yield f"{done.stdout}{done.stderr}".strip().replace(folder, "")


def _framed(code: str) -> str:
    """Return *code* with what it names and does not have: backends and resolvers, and defaults before it."""
    backends = _missing(code, r"^\s*(?:use|default)_backend (\w+)", r"^(?:backend|listen) (\w+)")
    resolvers = _missing(code, r"\bresolvers (\w+)", r"^resolvers (\w+)")
    added = [f"backend {name}\n  server one 127.0.0.1:1\n" for name in backends]
    added += [f"resolvers {name}\n  nameserver one 127.0.0.1:1\n" for name in resolvers]
    return "".join([FRAME if not re.search("^defaults", code, re.M) else "", code, "\n", *added])


def _missing(code: str, named: str, there: str) -> list[str]:
    return sorted(set(re.findall(named, code, re.M)) - set(re.findall(there, code, re.M)))


def _made(folder: str, path: str) -> str:
    file = Path(folder) / path.strip("/").replace("/", "-")
    file.touch()
    return str(file)
