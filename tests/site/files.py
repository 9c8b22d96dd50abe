"""The folder of a site's secrets, keys, certificates and packages."""

import shutil
import subprocess
from pathlib import Path

import yaml

from lab.consul import binary, encryption
from lab.hosts import keys, packages, tools
from lab.places import Places
from lab.repository.driver import KEY_ID
from tests.site import data, tokens
from tests.site.world import IS_WHOLE, SiteWorld

CONTROL = """Package: nfpm
Version: {version}
Architecture: amd64
Maintainer: nobody <nobody@example.com>
Description: builds packages
"""


def make(places: Places, world: SiteWorld, consul: Path) -> Path:
    """
    Make the folder with all that the data names but StackStorm's API key, and return site.yaml.

    The folder *consul* has Consul's package.
    """
    keys.make(places, world)
    encryption.make(places, world, binary.find(places))
    folder = places.root / "files"
    shutil.copytree(places.secrets, folder)
    for machine in world.machines:
        _certificate(folder / "consul" / machine.name)
    _signing_key(places.root / "gpg", folder)
    _packages(places, consul, folder / "packages")
    for name, text in _configurations(places, world).items():
        (folder / name).write_text(yaml.safe_dump(text, sort_keys=False))
    site = places.root / "site.yaml"
    site.write_text(yaml.safe_dump({"cicd": data.site(places, world)}, sort_keys=False))
    tokens.write(site)
    return site


def _configurations(places: Places, world: SiteWorld) -> dict[str, object]:
    return {
        "cicd.yaml": data.pack(places, world),
        "gateway.yaml": data.gateway(world),
        "status.yaml": data.status_page(places, world),
    }


def _certificate(folder: Path) -> None:
    """Give both files of a machine the names that the data has for them."""
    known, secret = encryption.certificate(folder).values()
    (folder / "agent.pem").write_text(known)
    (folder / "agent-key.pem").write_text(secret)


def _signing_key(home: Path, folder: Path) -> None:
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--pinentry-mode", "loopback", "--passphrase", ""]
    _run(*gpg, "--quick-generate-key", f"Packages <{KEY_ID}>", "rsa3072", "sign", "1y")
    (folder / "public.asc").write_bytes(_run(*gpg, "--armor", "--export", KEY_ID))
    (folder / "private.asc").write_bytes(_run(*gpg, "--armor", "--export-secret-keys", KEY_ID))
    _run("gpgconf", "--homedir", str(home), "--kill", "all")


def _packages(places: Places, consul: Path, folder: Path) -> None:
    """Put our own packages, Consul's and the builder's into *folder*, as a team gets them."""
    folder.mkdir()
    found = [packages.build(places, name) for name in data.OURS]
    for package in [*found, *consul.glob("*.deb")]:
        shutil.copy(package, folder)
    if IS_WHOLE:
        _builder(places.root / "nfpm", folder)


def _builder(tree: Path, folder: Path) -> None:
    """nfpm's own package is on no registry; this one has the same program."""
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN/control").write_text(CONTROL.format(version=data.NFPM))
    (tree / "usr/bin").mkdir(parents=True)
    shutil.copy(tools.nfpm(), tree / "usr/bin/nfpm")
    _run("dpkg-deb", "--root-owner-group", "-Znone", "--build", str(tree), str(folder))


def _run(*argv: str) -> bytes:
    return subprocess.run(argv, capture_output=True, check=True).stdout
