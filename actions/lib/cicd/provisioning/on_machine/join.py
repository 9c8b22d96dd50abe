"""Let this machine join its site: fetch once what it is to be, and become that, with Python and openssl."""

from __future__ import annotations

import base64
import glob
import grp
import hashlib
import hmac
import json
import os
import pwd
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import List, Mapping, TypedDict, cast
from urllib.parse import urlsplit

ROOT = os.environ.get("CICD_ROOT", "/")  # of tests
INSTANCE_DATA = "/run/cloud-init/instance-data.json"
HOST_KEYS = "/etc/ssh/ssh_host_*_key.pub"
PATIENCE_SECONDS, PAUSE_SECONDS, ANSWER_SECONDS = 300.0, 2.0, 20.0
DOUBT_SECONDS = 60.0  # a clock that was wrong at boot is right by then
APT_SECONDS = "300"
FORBIDDEN = 403
SAID_CHARACTERS = 500


class Given(TypedDict):
    """What the user-data says: the gateway's `url`, whom to trust for it, this machine's name and token."""

    url: str
    ca: str
    name: str
    token: str


class File(TypedDict):
    """A file; a path of an *owner* is below that user's home."""

    path: str
    text: str
    mode: str
    owner: str
    group: str


class Bundle(TypedDict):
    """What this machine becomes."""

    files: List[File]
    packages: List[str]
    units: List[str]


def main(path: str) -> None:
    """Join as the file *path* says, which is removed; the gateway is told what went wrong after that."""
    with open(path, encoding="utf-8") as file:
        given = json.load(file)
    os.unlink(path)
    try:
        become(fetched(given), address(given["url"]), given["name"])
    except Exception as error:
        report(given, " ".join(reason(error).split())[-SAID_CHARACTERS:])
        raise


def fetched(given: Given) -> Bundle:
    """Return what this machine is to be; it is asked for until the gateway answers."""
    keys, where = host_keys(), address(given["url"])
    said = json.dumps({"address": where, "host_keys": keys}, sort_keys=True).encode()
    signature = mac(derived(given["token"], "host keys"), said).hex()
    body = {"id": derived(given["token"], "identifier"), "address": where}
    began = time.monotonic()
    while True:
        try:
            answer = posted(given, "join", {**body, "host_keys": keys, "signature": signature})
            return opened(given["token"], base64.b64decode(json.loads(answer)["sealed"]))
        except (OSError, ValueError) as error:
            patience = DOUBT_SECONDS if doubt(error) else PATIENCE_SECONDS
            is_final = getattr(error, "code", 0) == FORBIDDEN or not isinstance(error, OSError)
            if is_final or time.monotonic() - began > patience:
                raise
            say(f"{given['url']} does not answer ({error}); once more")
            time.sleep(PAUSE_SECONDS)


def reason(error: Exception) -> str:
    """Return what a command that failed said, why the gateway refused, or what else *error* is."""
    if isinstance(error, urllib.error.HTTPError):
        return f"the gateway answered {error.code} {error.read(SAID_CHARACTERS).decode(errors='replace')}"
    said = doubt(error) or getattr(error, "stderr", "") or f"{type(error).__name__}: {error}"
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)


def doubt(error: Exception) -> str:
    """Return why the gateway is not believed to be itself; empty when *error* is something else."""
    cause = error if isinstance(error, ssl.SSLError) else getattr(error, "reason", error)
    is_doubt = isinstance(cause, ssl.SSLError)
    return f"the gateway is not believed: {getattr(cause, 'verify_message', cause)}" if is_doubt else ""


def report(given: Given, said: str) -> None:
    """
    Tell the gateway what went wrong, if it listens, also when it is not believed.

    Whoever listens instead learns nothing: the identifier opens nothing that is sealed.
    """
    body = {"id": derived(given["token"], "identifier"), "said": said}
    for is_believed in (True, False):
        try:
            posted(given, "join/failed", body, is_believed)
            return
        except (OSError, ValueError) as error:
            say(f"{given['url']} was not told: {error}")
            if not doubt(error):
                return


def trust(given: Given, is_believed: bool) -> ssl.SSLContext:
    """Return whom to trust: as *given* says, or anyone."""
    if is_believed:
        return ssl.create_default_context(cadata=given["ca"] or None)
    anyone = ssl.create_default_context()
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
    return anyone


def posted(given: Given, path: str, body: Mapping[str, object], is_believed: bool = True) -> bytes:
    """Return the gateway's answer to *body* at *path*; unless *is_believed* it may be anyone's."""
    data, headers = json.dumps(body).encode(), {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{given['url'].rstrip('/')}/{path}", data, headers, method="POST")
    with urllib.request.urlopen(request, timeout=ANSWER_SECONDS, context=trust(given, is_believed)) as answer:
        return bytes(answer.read())


def opened(token: str, sealed: bytes) -> Bundle:
    """Return what was *sealed* for *token*; ValueError when anybody else made it."""
    author, hidden = sealed[:32], sealed[32:]
    if not hmac.compare_digest(author, mac(derived(token, "bundle's author"), hidden)):
        raise ValueError("the gateway's answer is not from this machine's site")
    argv = ["openssl", "enc", "-d", "-aes-256-cbc", "-pbkdf2", "-md", "sha256", "-pass", "env:CICD_SEAL"]
    environment = {**os.environ, "CICD_SEAL": derived(token, "bundle")}
    done = subprocess.run(argv, input=hidden, env=environment, capture_output=True, check=True)
    return cast(Bundle, json.loads(done.stdout))


def become(bundle: Bundle, where: str, name: str) -> None:
    """Write the files of *bundle*, install its packages and start its units."""
    files = [filled(file, where, name) for file in bundle["files"]]
    for file in files:
        if not file["owner"]:
            written(file)
    if bundle["packages"]:
        run("apt-get", "-q", "-o", f"DPkg::Lock::Timeout={APT_SECONDS}", "update")
        run(
            *("apt-get", "-q", "-y", "--no-install-recommends", "-o", f"DPkg::Lock::Timeout={APT_SECONDS}"),
            *("-o", "Dpkg::Options::=--force-confold", "install", *bundle["packages"]),
        )
    for file in files:
        written(file)  # the packages made the users and groups that the files belong to
    run("systemctl", "daemon-reload")
    for unit in bundle["units"]:
        run("systemctl", "enable", unit)
        run("systemctl", "restart", unit)


def filled(file: File, where: str, name: str) -> File:
    """Return *file* with this machine's address and name in it."""
    return {**file, "text": file["text"].replace("@ADDRESS@", where).replace("@NAME@", name)}


def written(file: File) -> None:
    """Write *file*, for its owner and group where they are there."""
    owner, path = file["owner"], file["path"]
    if owner:
        path = os.path.join(pwd.getpwnam(owner).pw_dir, path)
    path = os.path.join(ROOT, path.lstrip("/"))
    made_folder(os.path.dirname(path), owner)
    partial = f"{path}.partial"
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(file["text"])
    os.chmod(partial, int(file["mode"], 8))
    os.chown(partial, uid_of(owner), gid_of(file["group"] or owner))
    os.replace(partial, path)


def made_folder(folder: str, owner: str) -> None:
    """Make *folder*; one of an *owner* is that user's alone."""
    if os.path.isdir(folder):
        return
    os.makedirs(folder, 0o700 if owner else 0o755)
    if owner:
        os.chown(folder, uid_of(owner), gid_of(owner))


def uid_of(name: str) -> int:
    """Return the user *name*, or root for none."""
    return pwd.getpwnam(name).pw_uid if name else os.geteuid()


def gid_of(name: str) -> int:
    """Return the group *name*; root's as long as there is none."""
    try:
        return grp.getgrnam(name).gr_gid if name else os.getegid()
    except KeyError:
        return os.getegid()


def address(url: str) -> str:
    """Return this machine's address: what its cloud says, or by which it reaches the host of *url*."""
    try:
        with open(os.path.join(ROOT, INSTANCE_DATA.lstrip("/")), encoding="utf-8") as file:
            said = json.load(file)["ds"]["meta_data"]
    except (OSError, ValueError, KeyError):
        said = {}
    known = said.get("local-ipv4") or said.get("local_ipv4")
    return str(known) if known else reaching(url)


def reaching(url: str) -> str:
    """Return the address by which this machine reaches the host of *url*."""
    host = urlsplit(url).hostname or ""
    kind, _, _, _, there = socket.getaddrinfo(host, 9, type=socket.SOCK_DGRAM)[0]
    with socket.socket(kind, socket.SOCK_DGRAM) as probe:
        probe.connect(there)  # sends nothing
        return str(probe.getsockname()[0])


def host_keys() -> list[str]:
    """Return this machine's public SSH host keys, without comments."""
    found = []
    for path in sorted(glob.glob(os.path.join(ROOT, HOST_KEYS.lstrip("/")))):
        with open(path, encoding="utf-8") as file:
            found.append(" ".join(file.read().split()[:2]))
    return found


def say(line: str) -> None:
    """Write *line* to cloud-init's log."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def run(*argv: str) -> None:
    """Run *argv*; CalledProcessError has its output."""
    say(" ".join(argv))
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(
        argv, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True
    )


def derived(token: str, purpose: str) -> str:
    """Return what follows from *token* for *purpose*."""
    return mac(token, purpose.encode()).hex()


def mac(key: str, data: bytes) -> bytes:
    """Return the code that only who has *key* makes of *data*."""
    return hmac.new(key.encode(), data, hashlib.sha256).digest()


if __name__ == "__main__":
    main(sys.argv[1])
