"""Move a package from its build host into the signed repository, and see it there as a client."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
import uuid
from pathlib import Path
from typing import Mapping, Sequence, TypedDict

from cicd import identifiers
from cicd.clients.ssh import Shell
from cicd.config import Project, Settings
from cicd.errors import HostLost, Refused, RepositoryError
from cicd.package import provenance
from cicd.package.built import Package
from cicd.package.clearance import Clearance
from cicd.package.package_names import Names
from cicd.package.provenance import BILL, STATEMENT, Making
from cicd.package.tree import Tree
from cicd.release.host import Host
from cicd.repository import signing_keys
from cicd.repository.apt_index import Repository
from cicd.repository.package_records import Ledger, Record
from cicd.sanitize import one_line
from cicd.store.store import Store

PUBLISH_TIMEOUT_SECONDS = 900
FETCH = ("curl", "-fsS", "--retry", "3", "--max-time", "20", "--range", "0-0", "--output", "/dev/null")
FETCH_TIMEOUT_SECONDS = 90


class Published(TypedDict):
    """A package as clients fetch it: its `url` and that of its `provenance`, and what published it."""

    url: str
    driver: str
    provenance: str


def repository_host(store: Store, settings: Settings) -> Host:
    """Return the one healthy host that publishes; two would each know half of the packages."""
    service, tag = settings.repository.service, settings.repository.tag
    hosts = [found.host() for found in store.healthy(service, tag)]
    if len(hosts) == 1:
        return hosts[0]
    names = ", ".join(sorted(host.name for host in hosts))
    found = f"Several hosts ({names}) offer" if hosts else "No healthy host offers"
    raise Refused(
        f"{found} {service} ({tag}) in Consul.",
        "Let exactly one host offer it, or check `repository` in the configuration.",
    )


def publish(
    settings: Settings,
    project: Project,
    package: Package,
    build_host: Host,
    clearance: Clearance,
    tree: Tree,
    making: Making,
) -> Published:
    """
    Publish *package* and its release, whose files lie on *build_host*: all of them, or none. Return its
    `url`, as clients fetch it, the `driver` and the URL of its `provenance`, which says its *making*. Its
    record keeps the *clearance* of its commit, and what *tree* it has.

    Refused when the same version is recorded, or seen by clients, with other bytes, or when
    a package's name is not *project*'s.
    """
    ledger, repository = Ledger(settings), Repository(settings, project)
    host = repository_host(ledger, settings)
    ledger.refuse_other_content(project.name, package)
    _refuse_other_content(repository, package)
    with tempfile.TemporaryDirectory(prefix="cicd-") as directory:
        _fetch(settings, build_host, package, Path(directory))
        about = subjects(package, Path(directory, BILL).read_bytes())
        statement = provenance.statement(about, making, clearance, tree)
        Path(directory, STATEMENT).write_text(json.dumps(statement, indent=1, sort_keys=True) + "\n")
        said = _put(settings, host, project, package, directory)
    url = repository.wait_for(package)
    _refuse_unfetchable(settings, project, ledger, url)
    where = f"{settings.repository.url.rstrip('/')}/provenance/{package.name}/{package.version}"
    made = (package, build_host.name, said["driver"], where, said["statement"], clearance, tree)
    ledger.record(project.name, Record(*made, committed=making.origin.time))
    return {"url": url, "driver": said["driver"], "provenance": f"{where}/provenance.json"}


def _fetch(settings: Settings, host: Host, package: Package, directory: Path) -> None:
    paths = [path for one in package.release for path in (_file(one), *one.rpms)]
    with Shell(settings, host) as shell:
        for path in [*paths, str(Path(package.file).with_name(BILL))]:
            shell.download(path, str(directory / Path(path).name))


def subjects(package: Package, bill: bytes) -> dict[str, str]:
    """Return what provenance is about: sha256 by file name of *package*'s release, and of its *bill*."""
    digests = {Path(one.file).name: one.sha256 for one in package.release}
    return {**digests, BILL: hashlib.sha256(bill).hexdigest()}


def _file(package: Package) -> str:
    """Return the package's path on its build host, whose last part is what dpkg would call it."""
    usual = rf"{re.escape(package.name)}_{re.escape(package.version)}_[a-z0-9-]+\.deb"
    if re.fullmatch(usual, Path(package.file).name):
        return package.file
    raise RepositoryError(
        f"{one_line(package.file, 200)} is not named like a file of {package.name} {package.version} is.",
        "Nothing was published: find out what built it, and build the commit again.",
    )


def _put(
    settings: Settings, host: Host, project: Project, package: Package, directory: str
) -> Mapping[str, str]:
    prefix = f".cicd-incoming-{uuid.uuid4().hex}"
    may_name = [
        name for one in package.release for name in project.allowed.packages_of(project.name, one.name)
    ]
    rpms = [Path(rpm).name for one in package.release for rpm in one.rpms]
    arguments = index_arguments(settings, targets(settings, project), settings.component(project))
    arguments += [package.version, prefix, " ".join(rpms), " ".join(dict.fromkeys(may_name))]
    arguments += [
        f"{Path(one.file).name}={identifiers.check('sha256', one.sha256)}" for one in package.release
    ]
    owners = Names(settings)
    with Shell(settings, host) as shell:
        for name in dict.fromkeys(one.name for one in package.release):
            owners.refuse_foreign(project, name, shell)
            owners.take(project, name)
        for file in Path(directory).iterdir():
            shell.upload(str(file), f"{prefix}-{file.name}")
        said = shell.script("publish_package", arguments, PUBLISH_TIMEOUT_SECONDS)
    signing_keys.keep(owners, said)
    return dict(line.partition("=")[::2] for line in said.splitlines())


def index_arguments(settings: Settings, distributions: Sequence[str], component: str) -> list[str]:
    """Return what remote/index.sh is told; *distributions* are as `targets` returns them."""
    section = settings.repository
    driver = [section.driver, section.config_file, section.gpg_key]
    return [*driver, " ".join(distributions), component, str(section.valid_days)]


def targets(settings: Settings, project: Project) -> list[str]:
    """Return *project*'s distributions, each with the name of its repository in aptly: `bookworm:cicd`."""
    section, component = settings.repository, settings.component(project)
    suffix = "" if component == section.component else f"-{component}"
    found = []
    for distribution in settings.distributions(project):
        other = "" if distribution == section.distribution else f"-{distribution}"
        found.append(f"{distribution}:{section.name}{other}{suffix}")
    return found


def _refuse_unfetchable(settings: Settings, project: Project, store: Store, url: str) -> None:
    """Let one of *project*'s healthy hosts ask for *url*: what this machine reaches, they may not."""
    for found in store.healthy(settings.service_name(project), settings.tag(project)):
        host = found.host()
        try:
            with Shell(settings, host) as shell:
                done = shell.run([*FETCH, url], FETCH_TIMEOUT_SECONDS)
        except HostLost:
            continue
        if done.code == 0:
            return
        raise RepositoryError(
            f"{host.name} cannot fetch {url}: {one_line(done.stderr, 200)}.",
            "Let the app hosts reach the repository; the canary was not touched.",
        )


def _refuse_other_content(repository: Repository, package: Package) -> None:
    """Raise RepositoryError when clients see other bytes of *package*'s release, of any architecture."""
    digests = {one.sha256 for one in package.release}
    names = {one.name: one.sha256 for one in reversed(package.release)}
    for entry in repository.of_version(package.version):
        name, seen = entry.get("Package", ""), entry.get("SHA256", "")
        if name in names and seen not in digests:
            raise RepositoryError(
                f"{name} {package.version} is already published with other content "
                f"(sha256 {seen[:12]}…, this build is {names[name][:12]}…).",
                "A published version never changes: commit again, and let that be built.",
            )
