"""Jenkins' jobs themselves: made, read, changed and deleted by their XML."""

from __future__ import annotations

from cicd.clients.jenkins import Jenkins
from cicd.errors import CiMissing


class JenkinsJobs:
    """The jobs and folders of one Jenkins, by their whole names: `shop/web` lies in the folder `shop`."""

    def __init__(self, jenkins: Jenkins) -> None:
        self._jenkins = jenkins

    def xml(self, job: str) -> str | None:
        """Return the config.xml of *job*, or None when there is no such job."""
        try:
            return str(self._jenkins.ask(f"read the job {job}", lambda s: s.get_job_config(job)))
        except CiMissing:
            return None

    def create(self, job: str, xml: str) -> None:
        """Make *job* as *xml* says; CiError when there is one, or its folder is missing."""
        self._jenkins.ask(f"create the job {job}", lambda s: s.create_job(job, xml))

    def change(self, job: str, xml: str) -> None:
        """Let *job* be as *xml* says."""
        self._jenkins.ask(f"change the job {job}", lambda s: s.reconfig_job(job, xml))

    def delete(self, job: str) -> None:
        """Delete *job* with its builds; CiMissing when there is none."""
        self._jenkins.ask(f"delete the job {job}", lambda s: s.delete_job(job))
