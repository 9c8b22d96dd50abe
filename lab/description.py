"""What a running lab says of itself: world.json, an environment to source, and what to try."""

from __future__ import annotations

import json
from dataclasses import asdict
from shlex import quote
from typing import Any

from lab import proxies
from lab.consul import encryption
from lab.haproxy.config import COOKIE
from lab.hosts.fleet import Fleet
from lab.jenkins.host import USER as JENKINS_USER
from lab.places import REPOSITORY, Places
from lab.project import Project
from lab.stackstorm.engine import Engine
from lab.world import CANARY_HEADER, COMPONENT, DISTRIBUTION, SSH_PORT, World


def write(fleet: Fleet, engine: Engine) -> None:
    """Write world.json and env; world.json last, for it says that the lab is up."""
    places = fleet.places
    places.environment_file.touch(mode=0o600)
    places.environment_file.write_text(environment(places, fleet.world, engine))
    partial = places.world_file.with_suffix(".partial")
    partial.write_text(json.dumps(world(fleet, engine), indent=2) + "\n")
    partial.rename(places.world_file)


def world(fleet: Fleet, engine: Engine) -> dict[str, Any]:
    """Return world.json, which is all that the demo and the acceptance suite know of a lab."""
    here, places = fleet.world, fleet.places
    return {
        "network": here.network,
        "root": str(places.root),
        "no_proxy": proxies.exceptions(here),
        "hosts": [asdict(host) for host in here.hosts],
        "consul": {
            "url": here.plain_consul_url,
            "encrypted_url": here.consul_url,
            "ca_file": str(encryption.authority(places)),
            "dns": f"{here.infra.address}:8600",
        },
        "haproxy": {
            "url": here.haproxy_url,
            "canary_header": CANARY_HEADER,
            "cookie": COOKIE,
            "statistics": f"{here.statistics_url};csv",
        },
        "repository": {
            "url": here.repository_url,
            "driver": fleet.driver.name,
            "distribution": DISTRIBUTION,
            "component": COMPONENT,
        },
        "package": {"driver": fleet.tools.builder},
        "git": {"url": here.git_url, "clone": str(places.clone)},
        "jenkins": {
            "url": here.jenkins_url,
            "user": JENKINS_USER,
            "token_file": str(places.secrets / "jenkins_api_token"),
        },
        "github": {
            "url": here.github_url,
            "token_file": str(places.secrets / "github_api_token"),
        },
        "gateway": {
            "url": here.gateway_url,
            "github_secret_file": str(places.secrets / "github_secret"),
            "jenkins_token_file": str(places.secrets / "jenkins_token"),
        },
        "status": {"url": here.status_url},
        "stackstorm": engine.description(places),
        "ssh": _ssh(places),
    }


def environment(places: Places, here: World, engine: Engine) -> str:
    """Return shell text that makes StackStorm's own `st2` command line speak to this lab, past any proxy."""
    key = (places.secrets / "st2_api_key").read_text().strip()
    direct = ",".join(proxies.exceptions(here))
    return f"""# Source this: . {quote(str(places.environment_file))}
export ST2_API_URL='{engine.api_url}'
export ST2_AUTH_URL='{engine.auth_url}'
export ST2_STREAM_URL='{engine.stream_url}'
export ST2_API_KEY='{key}'
export NO_PROXY="${{NO_PROXY:+$NO_PROXY,}}{direct}"
export no_proxy="${{no_proxy:+$no_proxy,}}{direct}"
unset ST2_AUTH_TOKEN
export PATH="$PATH:{REPOSITORY / "build/venvs/st2client/bin"}"
"""


def guide(places: Places, here: World) -> str:
    """Return what to try in a running lab: lines for a shell in this repository, in an order that works."""
    clone, example = quote(str(places.clone)), quote(f"{REPOSITORY / 'examples/greeter'}/.")
    return f"""
  . {quote(str(places.environment_file))}      # st2 speaks to this lab

  # {clone} is a clone whose pushes start the pipeline; it holds only a README:
  cp -r {example} {clone}
  git -C {clone} add -A && git -C {clone} commit -m Greet && git -C {clone} push
  st2 run cicd.list_events                      # how far the push came
  st2 run cicd.get_release project=greeter      # once the canary is healthy:
  st2 run cicd.deploy_production project=greeter

  st2 action-alias execute "who changed greeter"    # as in chat
  st2 execution list                            # and: st2 execution get ID
  curl {here.haproxy_url}/version
  curl -H '{CANARY_HEADER}: 1' {here.haproxy_url}/version
  curl --cacert {quote(str(encryption.authority(places)))} '{here.consul_url}/v1/kv/?keys'
  ssh -F {quote(str(places.secrets / "ssh_config"))} web1
  .venv/bin/python -m lab host web3 off
  .venv/bin/python -m lab host web3 on
  .venv/bin/python -m lab redeliver             # the newest push, as GitHub would
  .venv/bin/python -m lab reload                # after a change of the pack, or of its configuration in
  # {quote(str(places.configs / "cicd.yaml"))}
  # A second project: .venv/bin/python -m lab project add, and a folder with fpm.json and script/

  # What runs where: {here.status_url}/{_web_ui(places)}
  # HAProxy's page: {here.statistics_url}   packages: {here.repository_url}/
  # logs: {places.logs}   everything by address: {places.world_file}
  make lab-down
"""


def _web_ui(places: Places) -> str:
    described = json.loads(places.world_file.read_text())["stackstorm"] if places.world_file.exists() else {}
    if "web_url" not in described:
        return ""
    login = f"{described['user']}, and the password in {described['password_file']}"
    return f"\n  # StackStorm's web UI: {described['web_url']}/   log in as {login}"


def project_guide(places: Places, here: World, project: Project) -> str:
    """Return what to try with a project that was added."""
    return f"""
  git -C {quote(str(places.clones(project.clone)))} push       # starts the pipeline
  st2 run cicd.get_release project={project.name}       # once the canary is healthy:
  st2 run cicd.deploy_production project={project.name}
  curl -H 'Host: {project.name}' {here.haproxy_url}/
  curl -H 'Host: {project.name}' -H '{CANARY_HEADER}: 1' {here.haproxy_url}/

  # Its unit reads HOST and PORT from /etc/default/{project.name}; it answers GET /health there.
"""


def _ssh(places: Places) -> dict[str, Any]:
    return {
        "config": str(places.secrets / "ssh_config"),
        "user": "cicd",
        "key": str(places.secrets / "user"),
        "known_hosts": str(places.secrets / "known_hosts"),
        "port": SSH_PORT,
    }
