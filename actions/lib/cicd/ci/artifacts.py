"""What a build archived, by its digest from the moment it is read as passed."""

from __future__ import annotations

import hashlib
from typing import Callable, Dict, Mapping

from cicd.ci import ci_servers
from cicd.ci.run import PASSED
from cicd.ci.runs import Runs
from cicd.clients.ci_server import CiServer
from cicd.config import Project, Settings
from cicd.errors import Refused
from cicd.store.store import Store

# Whichever of them the commit wants packaged, only the commit says: all are recorded, as far as this goes.
MOST_FILES = 200
MOST_BYTES = 2 * 1024**3


def recorded(server: CiServer, project: Project, number: int) -> Dict[str, str]:
    """Return the sha256 of each file that build *number* archived, by path; beyond the limits of none."""
    digests: Dict[str, str] = {}
    left = MOST_BYTES
    for path in server.artifacts(project, number)[:MOST_FILES]:
        digest = hashlib.sha256()
        left -= server.download(project, number, path, digest.update, left)
        if left < 0:
            break
        digests[path] = digest.hexdigest()
    return digests


class Archived:
    """What the build of *commit* that passed archived: `artifacts` has the sha256 of each, by path."""

    def __init__(self, settings: Settings, project: Project, commit: str) -> None:
        known = Runs(Store(settings), project.name).find(commit)
        if known is None or known.stage != PASSED or not known.build:
            raise Refused(
                f"No build of {project.name} at {commit[:7]} passed CI, so there is no artifact to package.",
                f"Build it: st2 run cicd.git_push project={project.name} commit={commit}",
            )
        self.artifacts: Mapping[str, str] = known.artifacts
        self._server, self._project, self._build = ci_servers.of(settings, project), project, known.build

    def download(self, path: str, write: Callable[[bytes], object], limit: int) -> int:
        """Give *write* the file *path* as CI has it now, up to *limit* bytes, and return its size."""
        return self._server.download(self._project, self._build, path, write, limit)
