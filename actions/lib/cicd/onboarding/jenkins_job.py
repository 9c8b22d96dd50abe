"""The project's job in Jenkins."""

from __future__ import annotations

from functools import partial
from typing import Iterator, Sequence, Tuple

from cicd.ci.jenkins_job import config_xml, folder_xml, folders
from cicd.ci_choice import JENKINS
from cicd.clients.jenkins import Jenkins, job_path, parameter_names
from cicd.clients.jenkins_jobs import JenkinsJobs
from cicd.clients.jenkins_pages import Job
from cicd.errors import CiMissing
from cicd.onboarding.item import MISSING, OTHER, THERE, Item
from cicd.onboarding.wanted import Wanted

TREE = "property[parameterDefinitions[name]]"


def items(wanted: Wanted) -> Iterator[Item]:
    """Yield the folders that the job lies in, and the job; of a project that Jenkins builds."""
    if wanted.project.ci.driver != JENKINS:
        return
    server = Jenkins(wanted.settings, administers=True)
    jobs, others = (
        JenkinsJobs(server),
        [one for one in wanted.settings.projects.values() if one != wanted.project],
    )
    for folder in folders(wanted.project.job):
        if jobs.xml(folder) is None:  # one that is there may have other jobs, and stays
            make, remove = partial(jobs.create, folder, folder_xml()), partial(_delete, jobs, folder)
            yield Item(f"the Jenkins folder {folder}", MISSING, make, remove)
    job = wanted.project.job
    state, why = _seen(server, wanted)
    yield Item(
        f"the Jenkins job {job}",
        state,
        lambda: jobs.create(job, config_xml(wanted.project)),
        lambda: _delete(jobs, job),
        why,
        ", ".join(one.name for one in others if one.job == job),
    )


def _seen(server: Jenkins, wanted: Wanted) -> Tuple[str, str]:
    try:
        page = server.read(Job, job_path(wanted.project), f"read {wanted.project.job}", TREE)
    except CiMissing:
        return MISSING, ""
    missing = [name for name in parameter_names(wanted.project) if name not in _parameters(page)]
    return (OTHER, f"is there and does not take {', '.join(missing)}") if missing else (THERE, "")


def _parameters(page: Job) -> Sequence[object]:
    properties = [one for one in page.get("property") or [] if one]
    return [d.get("name") for one in properties for d in one.get("parameterDefinitions") or []]


def _delete(jobs: JenkinsJobs, job: str) -> None:
    try:
        jobs.delete(job)
    except CiMissing:  # somebody was faster
        return
