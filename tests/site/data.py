"""The data of the site that tests make: site.yaml, and how StackStorm, gateway and page are configured."""

from typing import Any

from deb.version import version
from lab.consul import binary
from lab.jenkins.host import USER as JENKINS_USER
from lab.places import Places
from lab.repository.driver import KEY_ID
from lab.stackstorm.engine import USER
from lab.world import SSH_PORT
from tests.site.world import APT, BUILD, CANARY, IS_WHOLE, NAMES, PRODUCTION, SERVER, STACK, SiteWorld

OURS = ("host", "sandbox", "balancer", "render", "gateway", "status") if IS_WHOLE else ("host",)
PACKAGES = ("cicd-converge", "cicd-sandbox", "cicd-traffic", "cicd-render", "cicd-gateway", "cicd-status")
NFPM = "2.48.0"
GATEWAY = "/etc/cicd/gateway"
STATUS_TOKEN = "/etc/cicd/status/consul.token"
MOTTO = """ 'Hi', "you" \\ $HOME `id` {{ 7 * 7 }} # grüße; \\"""
ENVIRONMENT = {"GREETER_HOST": "{address}", "GREETER_PORT": "8080", "MOTTO": MOTTO}
PROJECT = {
    "service": "greeter",
    "tag": "greeter::app",
    "canary_tag": "greeter::app_canary",
    "stable_tag": "greeter::app_stable",
    "port": 8080,
    "health": "/health",
    "unit": "greeter.service",
    "environment": ENVIRONMENT,
}


def site(places: Places, world: SiteWorld) -> dict[str, Any]:
    """Return the data, in which waits are as short as one machine allows."""
    apt, pack = world.address(APT), places.root / "pack"
    return {
        "files": str(places.root / "files"),
        "packages": "packages",
        "versions": {"consul": binary.VERSION, "nfpm": NFPM, **dict.fromkeys(PACKAGES, version())},
        "ssh": {"port": SSH_PORT, "public_key_file": "user.pub", "known_hosts_file": "known_hosts"},
        "repository": {
            "url": f"http://{apt}:8081",
            "distribution": "bookworm",
            "component": "main",
            "architectures": ["amd64"],
            "public_key_file": "public.asc",
        },
        "consul": consul(),
        "projects": {"greeter": PROJECT},
        "app_host": {"settings": {"DRAIN_SECONDS": 1, "MIN_HEALTHY_SECONDS": 2, "HEALTH_LIMIT_SECONDS": 30}},
        "build_host": {
            "service": "build",
            "tags": ["package"],
            "packages": ["git", "nfpm"],
            "secrets": {"/etc/cicd/keys/greeter": "build"},
        },
        "repository_host": {
            "service": "apt",
            "tags": ["publish"],
            "listen": f"{apt}:8081",
            "folder": "/srv/apt",
            "name": "cicd",
            "signing_key": KEY_ID,
            "signing_key_file": "private.asc",
        },
        "load_balancer": {
            "bind": f"{apt}:8000",
            "canary_header": "X-Canary",
            "cookie": "user",
            "default": "greeter",
        },
        "stackstorm_host": {
            "configs": str(places.root / "configs"),
            "group": "st2",
            "config_file": "cicd.yaml",
            "register": ["st2ctl", "reload", "--register-configs"],
            "secrets": {f"{pack}/{name}": source for name, source in pack_files().items()},
        },
        "gateway_host": {"config_file": "gateway.yaml", "secrets": gateway_files()},
        "status_host": {"config_file": "status.yaml", "secrets": status_files()},
        "hosts": hosts(world),
    }


def consul() -> dict[str, Any]:
    """Return the section of Consul; all machines share one loopback network."""
    return {
        "datacenter": "lab",
        "servers": [SERVER],
        "listen": "{address}",
        "encrypt_file": "consul/gossip_key",
        "tls": {
            "ca_file": "consul/consul-agent-ca.pem",
            "cert_file": "consul/{host}/agent.pem",
            "key_file": "consul/{host}/agent-key.pem",
        },
        "tokens": {
            "agent_file": "consul/{host}.agent.token",
            "converge_file": "consul/{host}.converge.token",
            "traffic_file": "consul/{host}.traffic.token",
            "render_file": "consul/{host}.render.token",
        },
        "settings": {
            "ports": {"serf_wan": -1, "grpc": -1},
            "performance": {"raft_multiplier": 1},
            "retry_interval": "300ms",
            "disable_update_check": True,
        },
    }


def hosts(world: SiteWorld) -> dict[str, Any]:
    """Return the machines with their roles."""
    roles = {
        STACK: {"roles": ["stackstorm_host", "gateway_host", "status_host"]},
        BUILD: {"roles": ["build_host"]},
        APT: {"roles": ["repository_host", *(["load_balancer"] if IS_WHOLE else [])]},
        CANARY: {"roles": ["app_host"], "projects": {"greeter": "canary"}},
        PRODUCTION: {"roles": ["app_host"], "projects": {"greeter": "production"}},
    }
    return {name: {"address": world.address(name), **roles[name]} for name in NAMES}


def pack_files() -> dict[str, str]:
    """Return the files that the pack's configuration names, each with where it comes from."""
    return {
        "ca.pem": "consul/consul-agent-ca.pem",
        "consul.token": f"consul/{STACK}.pack.token",
        "id_ed25519": "user",
        "known_hosts": "known_hosts",
        "jenkins.token": "jenkins_api_token",
        "github.token": "github_api_token",
        "api.key": "st2_api_key",  # by which `register` calls StackStorm here
    }


def gateway_files() -> dict[str, str]:
    """Return the gateway's secrets, each with where it comes from."""
    return {
        f"{GATEWAY}/api.key": "st2_api_key",
        f"{GATEWAY}/github.secret": "github_secret",
        f"{GATEWAY}/jenkins.token": "jenkins_token",
    }


def status_files() -> dict[str, str]:
    """Return the status page's secrets, each with where it comes from."""
    return {STATUS_TOKEN: f"consul/{STACK}.status.token"}


def pack(places: Places, world: SiteWorld) -> dict[str, Any]:
    """Return cicd.yaml."""
    folder = places.root / "pack"
    return {
        "consul": {
            "url": f"https://{world.address(STACK)}:8501",
            "ca_file": f"{folder}/ca.pem",
            "token_file": f"{folder}/consul.token",
        },
        "jenkins": {"url": world.jenkins_url, "user": JENKINS_USER, "token_file": f"{folder}/jenkins.token"},
        "github": {"api_url": world.github_url, "token_file": f"{folder}/github.token"},
        "gateway": {"url": world.gateway_url},
        "status_page": {"url": world.status_url},
        "source": {
            "clone_url": world.clone_url("{repository}"),
            "deploy_key_file": "/etc/cicd/keys/{project}",
        },
        "ssh": {
            "user": "cicd",
            "port": SSH_PORT,
            "private_key_file": f"{folder}/id_ed25519",
            "known_hosts_file": f"{folder}/known_hosts",
        },
        "repository": {
            "driver": "aptly",
            "url": f"http://{world.address(APT)}:8081",
            "distribution": "bookworm",
            "component": "main",
            "architectures": ["amd64"],
            "name": "cicd",
            "config_file": "/etc/cicd/aptly.conf",
            "gpg_key": KEY_ID,
        },
        "deploy": {"batches": ["1", "100%"], "min_bake_seconds": 3},
        "chat_accounts": [USER],
        "projects": {
            "greeter": {
                **{"repository": "acme/greeter", "branch": "main", "job": "greeter", "role": "app"},
                "environment": ENVIRONMENT,
            }
        },
    }


def gateway(world: SiteWorld) -> dict[str, Any]:
    """Return gateway.yaml."""
    return {
        "listen": {"host": world.control, "port": 9110},
        "stackstorm": {"api_url": f"http://{world.control}:9101/v1", "api_key_file": f"{GATEWAY}/api.key"},
        "github": {"secret_files": [f"{GATEWAY}/github.secret"]},
        "jenkins": {"token_file": f"{GATEWAY}/jenkins.token"},
        "spool": "/var/lib/cicd-gateway/spool.sqlite",
    }


def status_page(places: Places, world: SiteWorld) -> dict[str, Any]:
    """Return status.yaml."""
    return {
        "listen": {"host": world.control, "port": 9120},
        "pack": "/etc/cicd/status/cicd.yaml",
        "consul": {"ca_file": "/etc/consul.d/tls/ca.pem", "token_file": STATUS_TOKEN},
    }
