"""What the Puppet module would do on each host of the example, and that its files are those of Ansible."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import Environment, FileSystemLoader

from cicd.onboarding import environment_file
from cicd.project import Project
from cicd.release.host import Host

ROOT = Path(__file__).parents[2]
PUPPET = ROOT / "infra" / "puppet"
ROLES = ROOT / "infra" / "ansible" / "roles"
SITE = yaml.safe_load((ROOT / "infra" / "site.yaml").read_text())["cicd"]
HOSTS = sorted(SITE["hosts"])
# Which template of Ansible's roles is which file; {project} is each project of the host.
EVERYWHERE = {
    "/etc/consul.d/agent.json": "consul/templates/agent.json.j2",
    "/etc/consul.d/encryption.json": "consul/templates/encryption.json.j2",
    "/etc/consul.d/acl.json": "consul/templates/acl.json.j2",
}
OF_ROLE = {
    "app_host": {
        "/etc/cicd/converge.conf": "app_host/templates/converge.conf.j2",
        "/etc/cicd/projects/{project}.conf": "app_host/templates/project.conf.j2",
        "/etc/consul.d/cicd-{project}.json": "app_host/templates/service.json.j2",
        "/etc/default/{project}": "app_host/templates/environment.j2",
    },
    "build_host": {"/etc/consul.d/build_host.json": "build_host/templates/service.json.j2"},
    "repository_host": {
        "/etc/cicd/aptly.conf": "repository_host/templates/aptly.conf.j2",
        "/etc/nginx/conf.d/cicd-apt.conf": "repository_host/templates/nginx.conf.j2",
        "/etc/consul.d/repository_host.json": "repository_host/templates/service.json.j2",
    },
    "load_balancer": {
        "/etc/cicd/traffic.conf": "load_balancer/templates/traffic.conf.j2",
        "/etc/cicd/render.conf": "load_balancer/templates/render.conf.j2",
        "/etc/cicd/render.d/haproxy.yaml": "load_balancer/templates/haproxy.yaml.j2",
    },
    "stackstorm_host": {},
    "gateway_host": {},
    "status_host": {},
}


def compiled(
    folder: Path, *hosts: str, hiera: Path = PUPPET / "hiera.yaml"
) -> subprocess.CompletedProcess[str]:
    """Compile the catalogs of *hosts*; Puppet's own files are below *folder*."""
    argv = ["ruby", str(Path(__file__).with_name("catalogs.rb")), str(folder)]
    argv += [f"{PUPPET}:/usr/share/puppet/modules", str(hiera), *hosts]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def catalogs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The catalog of each host."""
    done = compiled(tmp_path_factory.mktemp("puppet"), *HOSTS)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def resources(catalog: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    found = (resource for resource in catalog["resources"] if resource["type"] == kind)
    return {resource["title"]: resource.get("parameters", {}) for resource in found}


def text_of(content: Any) -> str:
    """Return what a file would have in it, with the path of each secret in its place."""
    if isinstance(content, str):
        return content
    (value,) = content["arguments"]
    return json.dumps(named(value), indent=2) + "\n"


def named(value: Any) -> Any:
    if isinstance(value, dict) and value.get("__ptype") == "Deferred":
        return value["arguments"][0]
    if isinstance(value, dict):
        return {key: named(one) for key, one in value.items()}
    return [named(one) for one in value] if isinstance(value, list) else value


def by_ansible(host: str) -> dict[str, str]:
    """Return what Ansible's templates give for *host*, by path, with the path of each secret in its place."""
    templates = environment()
    values = variables(templates, host)
    its = SITE["hosts"][host]
    files = EVERYWHERE | {path: name for role in its["roles"] for path, name in OF_ROLE[role].items()}
    return {
        path.format(project=project): templates.get_template(name).render(values, project=project)
        for path, name in files.items()
        for project in (its["projects"] if "{project}" in path else [""])
    }


def environment() -> Environment:
    """Return Jinja with what the templates use of Ansible."""
    made = Environment(loader=FileSystemLoader(ROLES), trim_blocks=True, keep_trailing_newline=True)
    made.filters["combine"] = lambda one, other: {**one, **other}
    made.filters["regex_replace"] = lambda value, old, new: re.sub(old, new, value)
    made.filters["extract"] = lambda key, values, inner: values[key][inner]
    made.filters["to_nice_json"] = lambda value, **_: json.dumps(value, indent=2)
    made.filters["unique"] = lambda values: list(dict.fromkeys(values))
    made.globals["lookup"] = lambda _, path: path
    return made


def variables(templates: Environment, host: str) -> dict[str, Any]:
    """Return the variables of *host*, those of the role consul as well."""
    text = json.dumps(SITE).replace("{host}", host).replace("{address}", SITE["hosts"][host]["address"])
    values: dict[str, Any] = {"cicd": json.loads(text), "inventory_hostname": host}
    for name, form in yaml.safe_load((ROLES / "consul/vars/main.yml").read_text()).items():
        values[name] = templates.from_string(form).render(values)
    return values


@pytest.mark.parametrize("host", HOSTS)
def test_puppet_writes_what_ansible_writes(catalogs, host):
    files, wanted = resources(catalogs[host], "File"), by_ansible(host)

    assert {path: text_of(files[path]["content"]) for path in wanted} == wanted


def test_no_host_is_told_a_version_of_a_project(catalogs):
    packages = {name for catalog in catalogs.values() for name in resources(catalog, "Package")}

    assert "cicd-converge" in packages
    assert not packages & set(SITE["projects"])


def test_a_file_of_secrets_is_in_no_catalog_and_in_no_difference_that_is_shown(catalogs):
    secret = re.compile(r"token|[.]key$|-key[.]pem$|id_ed25519$|encryption[.]json$|acl[.]json$")
    for catalog in catalogs.values():
        found = {path: its for path, its in resources(catalog, "File").items() if secret.search(path)}

        assert found
        assert all(its["show_diff"] is False for its in found.values())
        assert all("source" in its or isinstance(its["content"], dict) for its in found.values())


def test_a_host_that_the_data_do_not_have_is_named(tmp_path):
    done = compiled(tmp_path, "web9")

    assert "web9 is not a host of the site. Add it to `hosts` in the site's data." in done.stderr


def of_data(folder: Path, site: dict[str, Any], host: str) -> subprocess.CompletedProcess[str]:
    """Compile the catalog of *host* of another *site*."""
    (folder / "site.yaml").write_text(json.dumps({"cicd": site}))
    level = {"name": "Site", "path": str(folder / "site.yaml"), "data_hash": "yaml_data"}
    (folder / "hiera.yaml").write_text(yaml.safe_dump({"version": 5, "hierarchy": [level]}))
    return compiled(folder, host, hiera=folder / "hiera.yaml")


def test_both_tools_and_the_pack_write_the_same_environment_whatever_is_in_it(tmp_path):
    values = {"HOST": "{address}", "MOTTO": """ 'a' "b" \\ $HOME `id` \\1 #; \\""", "http_proxy": ""}
    project = Project("greeter", "acme/greeter", environment=values)
    projects = {"greeter": {**SITE["projects"]["greeter"], "environment": values}}
    host = SITE["hosts"]["web2"]
    hosts = {**SITE["hosts"], "web2": {**host, "projects": {"greeter": "production"}}}
    data = json.loads(json.dumps(projects).replace("{address}", host["address"]))

    done = of_data(tmp_path, {**SITE, "projects": projects, "hosts": hosts}, "web2")

    assert done.returncode == 0, done.stderr
    files = resources(json.loads(done.stdout)["web2"], "File")
    by_pack = environment_file.files(project, Host("web2", host["address"]))
    template = environment().get_template("app_host/templates/environment.j2")
    assert by_pack == {"/etc/default/greeter": files["/etc/default/greeter"]["content"]}
    assert by_pack == {"/etc/default/greeter": template.render(cicd={"projects": data}, project="greeter")}


def test_data_of_an_older_form_are_refused_with_where_a_section_is_now(tmp_path):
    old = {**SITE, "stackstorm_host": {**SITE["stackstorm_host"], "gateway": SITE["gateway_host"]}}

    done = of_data(tmp_path, old, "web1")

    assert "wrong at stackstorm_host.gateway: it is the section gateway_host now. Move it" in done.stderr


def test_the_gateway_and_the_status_page_are_made_on_a_machine_without_stackstorm(tmp_path):
    hosts = {**SITE["hosts"], "door1": {"address": "192.0.2.30", "roles": ["gateway_host", "status_host"]}}

    done = of_data(tmp_path, {**SITE, "hosts": hosts}, "door1")

    assert done.returncode == 0, done.stderr
    catalog = json.loads(done.stdout)["door1"]
    assert {"cicd-gateway", "cicd-status"} <= set(resources(catalog, "Service"))
    source = f"{SITE['files']}/{SITE['stackstorm_host']['config_file']}"
    assert resources(catalog, "File")["/etc/cicd/status/cicd.yaml"]["source"] == source
    assert "Exec" not in {one["type"] for one in catalog["resources"] if "StackStorm" in one["title"]}
