"""Jenkins on infra1: its unit, its settings, its secrets."""

from __future__ import annotations

import base64
import json
import urllib.request

from lab.errors import LabError
from lab.hosts import common
from lab.hosts.container import Container
from lab.places import Places
from lab.project import Project
from lab.stand_in.unit import unit
from lab.world import PROJECT, World

USER = "cicd"
FOLDER = "/home/jenkins"
SETTINGS = "/etc/cicd/jenkins.json"


def configure(container: Container, places: Places, world: World) -> None:
    """Let the host build every project's commits and tell the gateway."""
    common.git_client(container, places, world, "jenkins", "jenkins")
    for name in ("jenkins_api_token", "jenkins_token"):
        secret = (places.secrets / name).read_text()
        container.disk.write(f"etc/cicd/{name}", secret, mode=0o600, owner="jenkins")
    container.disk.write(SETTINGS.lstrip("/"), json.dumps(settings(world), indent=2))
    container.disk.unit("jenkins.service", unit("lab.jenkins", "Jenkins", "jenkins", FOLDER, SETTINGS))


def create_job(places: Places, world: World, project: Project) -> None:
    """Let the running Jenkins have a job for *project*."""
    token = (places.secrets / "jenkins_api_token").read_text().strip()
    basic = base64.b64encode(f"{USER}:{token}".encode()).decode()
    url = f"{world.jenkins_url}/createItem?name={project.name}"
    request = urllib.request.Request(url, b"", {"Authorization": f"Basic {basic}"}, method="POST")
    try:
        urllib.request.urlopen(request, timeout=10).close()
    except OSError as error:
        raise LabError(
            f"Jenkins made no job {project.name} ({error}).", "See infra1.log under logs/."
        ) from None


def settings(world: World) -> dict[str, object]:
    """Return the stand-in's settings."""
    return {
        "host": world.infra.address,
        "port": 8080,
        "url": f"{world.jenkins_url}/",
        "user": USER,
        "token_file": "/etc/cicd/jenkins_api_token",
        "jobs": [PROJECT],
        "folder": FOLDER,
        "callback_url": f"{world.gateway_url}/jenkins",
        "callback_token_file": "/etc/cicd/jenkins_token",
    }
