"""The sample roles are what StackStorm loads, and grant what people call, never its inner steps."""

from pathlib import Path

import jsonschema
import pytest
import yaml

from tests.pack.test_contract import ACTIONS, ALIASES, WORKFLOWS

RBAC = Path(__file__).parents[2] / "rbac"
ROLES = {p.stem: yaml.safe_load(p.read_text()) for p in sorted((RBAC / "roles").glob("*.yaml"))}
ASSIGNMENTS = {p.stem: yaml.safe_load(p.read_text()) for p in sorted((RBAC / "assignments").glob("*.yaml"))}

# StackStorm's own check stops after the first grant of a file, so here is what each kind of resource has.
BY_RESOURCE = {
    "pack": {"pack_view"},
    "action": {"action_view", "action_execute"},
    "webhook": {"webhook_send"},
}
GLOBAL = {"pack_list", "execution_list", "action_list"} | {
    f"action_alias_{what}" for what in ("list", "match", "help")
}
ROLE = {
    "type": "object",
    "required": ["name", "permission_grants"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string"},
        "description": {"type": "string"},
        "enabled": {"type": "boolean"},
        "permission_grants": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["permission_types"],
                "additionalProperties": False,
                "properties": {
                    "resource_uid": {"type": "string"},
                    "permission_types": {"type": "array", "uniqueItems": True, "items": {"type": "string"}},
                },
            },
        },
    },
}
ASSIGNMENT = {
    "type": "object",
    "required": ["username", "roles"],
    "additionalProperties": False,
    "properties": {
        "username": {"type": "string"},
        "description": {"type": "string"},
        "enabled": {"type": "boolean"},
        "roles": {"type": "array", "uniqueItems": True, "items": {"type": "string"}},
    },
}
STEPS = {
    task["action"].removeprefix("cicd.")
    for workflow in WORKFLOWS.values()
    for task in workflow["tasks"].values()
} - {"deploy", "rollback", "deploy_production", "publish_apt_package"}
CHANGING = {"deploy", "deploy_production", "rollback", "break_glass", "freeze", "pin_version", "veto_version"}


def granted(role: str) -> set[str]:
    uids = [grant.get("resource_uid", "") for grant in ROLES[role]["permission_grants"]]
    return {uid.removeprefix("action:cicd:") for uid in uids if uid.startswith("action:")}


@pytest.mark.parametrize("name", ROLES)
def test_a_role_is_one_that_stackstorm_loads(name):
    jsonschema.validate(ROLES[name], ROLE)

    assert ROLES[name]["name"] == name
    for grant in ROLES[name]["permission_grants"]:
        kind = grant["resource_uid"].partition(":")[0] if "resource_uid" in grant else ""
        assert set(grant["permission_types"]) <= (BY_RESOURCE[kind] if kind else GLOBAL), grant


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_an_assignment_names_roles_that_exist(name):
    jsonschema.validate(ASSIGNMENTS[name], ASSIGNMENT)

    assert set(ASSIGNMENTS[name]["roles"]) <= set(ROLES)


@pytest.mark.parametrize("name", ROLES)
def test_grants_are_for_single_actions_that_exist_and_never_for_inner_steps(name):
    assert granted(name) <= set(ACTIONS)
    assert not granted(name) & STEPS
    packwide = [g for g in ROLES[name]["permission_grants"] if g.get("resource_uid") == "pack:cicd"]
    assert all(grant["permission_types"] == ["pack_view"] for grant in packwide)


def test_a_viewer_changes_nothing_and_a_developer_does_not_reach_production():
    assert not granted("cicd_viewer") & CHANGING
    assert not granted("cicd_developer") & {"deploy_production", "rollback", "break_glass", "steal_lock"}
    assert granted("cicd_promoter") == {"promote"}


def test_every_command_that_people_have_is_in_some_role():
    spoken = {alias["action_ref"].removeprefix("cicd.") for alias in ALIASES.values()}

    assert spoken <= set().union(*map(granted, ROLES))
