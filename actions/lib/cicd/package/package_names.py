"""To whom the name of a package belongs: one project, for good, and never to the distribution."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Dict, Sequence, Set, TypedDict

from cicd.config import Project
from cicd.errors import Refused
from cicd.release.version import BUILT, package_name
from cicd.sanitize import one_line
from cicd.store.store import Store

if TYPE_CHECKING:
    from cicd.clients.ssh import Shell

# No project's name begins with a dot.
OWNERS = "cicd/.packages"
RESERVED = re.compile(r"cicd|cicd-.*")
SECONDS = 300  # apt reads its lists anew for who may not write its cache
FREE_IT = (
    "Change the name in fpm.json and push, or let an operator give it (projects.{project}.packages: "
    "[{name}]) and package the commit: cicd.publish_apt_package."
)


class Owner(TypedDict, total=False):
    """The project that published a name first."""

    project: str


class Published(TypedDict, total=False):
    """What of a package's record says whose its name is."""

    package: str
    published_at: str


class Names(Store):
    """The names in Consul, each with the project that published it first."""

    def refuse_foreign(self, project: Project, name: str, shell: Shell) -> None:
        """
        Raise Refused when *name* is reserved, another project's, or one that the distribution has.

        The distribution is that of the host behind *shell*; it is asked until the name is
        the project's, and not about what the configuration gives.
        """
        _refuse_reserved(project, name)
        owner = self.owner(name)
        if owner and owner != project.name:
            raise _owned(project, name, owner)
        if name not in project.packages and not self.json(_key(name), Owner):
            self._refuse_in_distribution(project, name, shell)

    def refuse_related(self, project: Project, names: Sequence[str], shell: Shell) -> None:
        """The same of *names* for which a package of *project* would stand, but of what is allowed."""
        for name in names:
            if name not in project.allowed.packages:
                self.refuse_foreign(project, name, shell)

    def take(self, project: Project, name: str) -> None:
        """Make *name* the name of *project*; refused when another project was faster."""
        first = self.owner(name) or project.name
        _, after = self.update(_key(name), lambda known: known or Owner(project=first))
        owner = self._given_to(name) or str(after["project"])
        if owner != project.name:
            raise _owned(project, name, owner)

    def settle(self, name: str) -> None:
        """Record whose *name* is, before the record of who published it first is folded away."""
        owner = self.owner(name)
        self.update(_key(name), lambda known: known or Owner(project=owner))

    def of(self, project: Project) -> Set[str]:
        """Return every name that *project* was given or has taken."""
        taken = {
            key.rpartition("/")[2]
            for key, known in self.below(f"{OWNERS}/", Owner).items()
            if known.get("project") == project.name
        }
        return {package_name(project.name), *project.packages, *taken, *self._published(project.name)}

    def owner(self, name: str) -> str:
        """Return the project that *name* is configured for, else who published it first; or nothing."""
        recorded = (self.json(_key(name), Owner) or {}).get("project", "")
        return self._given_to(name) or str(recorded) or self._first(name)

    def _refuse_in_distribution(self, project: Project, name: str, shell: Shell) -> None:
        lines = shell.script("find_name", [name], SECONDS).splitlines()
        found = foreign(lines, self._settings.repository.url.rstrip("/"))
        if found:
            raise Refused(
                f"{shell.host.name} knows another package {name} ({one_line(found, 120)}); "
                f"one of {project.name} would take its place on every host.",
                FREE_IT.format(project=project.name, name=name),
            )

    def _given_to(self, name: str) -> str:
        return next((p.name for p in self._settings.projects.values() if name in p.packages), "")

    def _first(self, name: str) -> str:
        """Who published *name* first, before the names were recorded."""
        found = [
            (published[name], project)
            for project in self._settings.projects
            for published in [self._published(project)]
            if name in published
        ]
        return min(found)[1] if found else ""

    def _published(self, project: str) -> Dict[str, str]:
        """When each name was published first, by the records of *project* that are not folded."""
        found: Dict[str, str] = {}
        for record in self.below(f"cicd/{project}/packages/", Published).values():
            name, at = str(record.get("package", "")), str(record.get("published_at", ""))
            found[name] = min(at, found.get(name, at))
        return found


def foreign(lines: Sequence[str], repository: str) -> str:
    """
    Return which of *lines*, `version source` each, is not of this pipeline; empty when none is.

    Its own are those that *repository*, a URL, has, and those whose version it made. A source
    is a file of apt's, which is called after the URL that it came from.
    """
    own = f"/{repository.partition('://')[2].replace('/', '_')}_"
    for line in lines:
        version, _, source = line.strip().partition(" ")
        if version and own not in source and not BUILT.fullmatch(version):
            return line.strip()
    return ""


def _refuse_reserved(project: Project, name: str) -> None:
    if RESERVED.fullmatch(name):
        raise Refused(
            f"{name} cannot be a package of {project.name}: this pipeline's own packages begin with cicd-.",
            "Change the name in fpm.json.",
        )


def _owned(project: Project, name: str, owner: str) -> Refused:
    return Refused(
        f"{name} is the package of {owner}; {project.name} cannot publish one of that name.",
        FREE_IT.format(project=project.name, name=name),
    )


def _key(name: str) -> str:
    return f"{OWNERS}/{name}"
