"""A published version, as clients see it. Apart from publishing, whose SSH takes long to import."""

from __future__ import annotations

from cicd import identifiers
from cicd.config import Project, Settings
from cicd.errors import Refused
from cicd.package import built
from cicd.release.record import Build
from cicd.release.version import is_own, package_name
from cicd.repository.apt_index import Repository
from cicd.repository.package_records import Ledger


def offered(settings: Settings, project: Project, name: str, version: str) -> Build:
    """Return the build of *version* as clients see it; refused when it is not there, or another project's."""
    build = Repository(settings, project).build(name, identifiers.check("version", version))
    _refuse_foreign(project, build)
    return build


def published(settings: Settings, project: Project, name: str, version: str) -> Build:
    """Return the build of *version* as clients see it, when it is the one that was recorded."""
    build = offered(settings, project, name, version)
    Ledger(settings).refuse_other_content(project.name, built.of_build(build))
    return build


def _refuse_foreign(project: Project, build: Build) -> None:
    """A version is a project's own: else any package of the repository could be deployed as it."""
    if not is_own(project.name, project.repository, build.package, build.trace):
        package, origin = package_name(project.name), build.trace.partition("@")[0]
        raise Refused(
            f"{build.package} {build.version} was built from {origin or 'no known repository'}, "
            f"not from {project.repository}; it is not a version of {project.name}.",
            f"Name a version that `apt-cache madison {package}` lists on an app host.",
        )
