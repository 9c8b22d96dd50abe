"""The pack's configuration for this world: configs/cicd.yaml."""

from __future__ import annotations

from typing import Any

import yaml

from lab.consul import encryption
from lab.hosts.tools import Tools
from lab.jenkins.host import USER as JENKINS_USER
from lab.places import Places
from lab.project import FIRST, JENKINS, Project
from lab.repository.aptly import NAME
from lab.repository.driver import KEY_ID, Driver
from lab.stackstorm.engine import USER
from lab.world import COMPONENT, DISTRIBUTION, ROLE, SSH_PORT, World


def write(places: Places, world: World, tools: Tools, driver: Driver) -> None:
    """Write the file where StackStorm looks for it."""
    places.configs.mkdir(parents=True, exist_ok=True)
    places.projects.mkdir(exist_ok=True)
    text = yaml.safe_dump(configuration(places, world, tools, driver), sort_keys=False)
    (places.configs / "cicd.yaml").write_text(f"---\n{text}")


def configuration(places: Places, world: World, tools: Tools, driver: Driver) -> dict[str, Any]:
    """Return what config.schema.yaml describes; secrets are named by file."""
    return {
        "consul": {"url": world.consul_url, "ca_file": str(encryption.authority(places))},
        "jenkins": {
            "url": world.jenkins_url,
            "user": JENKINS_USER,
            "token_file": str(places.secrets / "jenkins_api_token"),
        },
        "github": {
            "api_url": world.github_url,
            "token_file": str(places.secrets / "github_api_token"),
            "hook_url": f"{world.gateway_url}/github",
            "details_url": f"http://{world.control}:9101/v1/executions/{{execution}}",
        },
        "gateway": {"url": world.gateway_url},
        "status_page": {"url": world.status_url},
        "source": {"clone_url": world.clone_url("{repository}")},
        "ssh": {
            "user": "cicd",
            "port": SSH_PORT,
            "private_key_file": str(places.secrets / "user"),
            "known_hosts_file": str(places.secrets / "known_hosts"),
        },
        "package": {"driver": tools.builder},
        "repository": {
            "driver": driver.name,
            "url": world.repository_url,
            "distribution": DISTRIBUTION,
            "component": COMPONENT,
            "architectures": ["amd64"],
            "name": NAME,
            "config_file": driver.config_file,
            "gpg_key": KEY_ID,
        },
        "deploy": {"batches": ["1", "100%"], "min_bake_seconds": 3},
        "chat_accounts": [USER],
        "administration": {
            "github_token_file": str(places.secrets / "github_api_token"),
            "webhook_secret_file": str(places.secrets / "github_secret"),
            "ssh_key_file": str(places.secrets / "admin"),
            "changes_dir": str(places.root / "changes"),
        },
        "projects_dir": str(places.projects),
        "drift": {"silent_seconds": 180, "follow_seconds": 10},
        "notices": [{"name": "lab", "to": "chatops", "channel": "#lab", "events": ["alarm", "drift"]}],
        "projects": {FIRST.name: _project(FIRST)},
    }


def _project(project: Project) -> dict[str, Any]:
    folder = {"directory": project.directory, "watch_paths": [f"{name}/" for name in project.shared]}
    own = folder if project.directory else {}
    ci = {"job": project.name} if project.ci == JENKINS else {"ci": {"driver": project.ci}}
    return {"repository": project.repository, "branch": "main", **ci, "role": ROLE, **own}


def add(places: Places, project: Project) -> None:
    """Let the pack know *project* as well; whatever else was changed in the file stays."""
    path = places.configs / "cicd.yaml"
    values = yaml.safe_load(path.read_text())
    values["projects"][project.name] = _project(project)
    path.write_text(f"---\n{yaml.safe_dump(values, sort_keys=False)}")
