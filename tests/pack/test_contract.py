"""Every YAML of the pack fits every other one."""

import re
from pathlib import Path

import pytest
import yaml

from cicd import identifiers

ROOT = Path(__file__).parents[2]
ACTIONS = {path.stem: yaml.safe_load(path.read_text()) for path in sorted((ROOT / "actions").glob("*.yaml"))}
WORKFLOWS = {
    path.stem: yaml.safe_load(path.read_text())
    for path in sorted((ROOT / "actions/workflows").glob("*.yaml"))
}
RULES = {path.stem: yaml.safe_load(path.read_text()) for path in sorted((ROOT / "rules").glob("*.yaml"))}
ALIASES = {path.stem: yaml.safe_load(path.read_text()) for path in sorted((ROOT / "aliases").glob("*.yaml"))}
RUNNER_PARAMETERS = {"timeout"}
CONTRACT_OF_2015 = {
    "git_push": {"project", "branch", "user", "commit", "detail_url"},
    "ci_start": {"project", "branch", "commit", "repo_url", "details_url"},
    "ci_success": {"project", "branch", "commit", "repo_url", "details_url"},
    "ci_failure": {"project", "branch", "commit", "repo_url", "details_url"},
    "publish_apt_package": {"project", "commit", "repo_url"},
    "deploy": {"project", "version"},
    "deploy_production": {"project"},
    "rollback": {"project"},
}
CHANGE_THE_RELEASE = {
    "advertise_canary", "advertise_break_glass", "advertise_last_good", "advertise_previous_good",
    "allow_past_ci", "approve", "confirm_ring", "freeze", "handle_alarm", "lift_veto", "lock_deploys",
    "pin_version", "promote_canary", "reject", "set_traffic", "steal_lock", "step_traffic", "thaw",
    "unlock_deploys", "unpin_version", "veto_version",
}  # fmt: skip


def called() -> list[tuple[str, str, dict]]:
    return [
        (f"{workflow}.{task}", spec["action"].removeprefix("cicd."), spec.get("input", {}))
        for workflow, definition in WORKFLOWS.items()
        for task, spec in definition["tasks"].items()
        if spec["action"].startswith("cicd.")
    ]


def required(action: str) -> set[str]:
    parameters = ACTIONS[action]["parameters"]
    return {name for name, schema in parameters.items() if schema.get("required")}


@pytest.mark.parametrize("name", ACTIONS)
def test_defect_1_name_file_and_entry_point_share_one_stem(name):
    action = ACTIONS[name]
    entry = ROOT / "actions" / action["entry_point"]

    assert action["name"] == name == entry.stem
    assert entry.is_file()


@pytest.mark.parametrize("name", ACTIONS)
def test_python_actions_have_one_class_named_after_them(name):
    if ACTIONS[name]["runner_type"] == "python-script":
        source = (ROOT / "actions" / f"{name}.py").read_text()
        camel = "".join(word.capitalize() for word in name.split("_"))

        assert re.findall(r"^class (\w+)", source, re.M) == [camel]


@pytest.mark.parametrize(("task", "action", "given"), called())
def test_defect_2_every_task_gives_what_its_action_requires_and_nothing_else(task, action, given):
    parameters = set(ACTIONS[action]["parameters"]) | RUNNER_PARAMETERS

    assert required(action) <= set(given) <= parameters


OWN_RULES = {name: rule for name, rule in RULES.items() if rule["action"]["ref"].startswith("cicd.")}


@pytest.mark.parametrize("rule", OWN_RULES.values(), ids=OWN_RULES.keys())
def test_defect_1_every_rules_action_exists_and_takes_what_it_is_given(rule):
    action = rule["action"]["ref"].removeprefix("cicd.")

    assert required(action) <= set(rule["action"]["parameters"]) <= set(ACTIONS[action]["parameters"])


@pytest.mark.parametrize("alias", ALIASES.values(), ids=ALIASES.keys())
def test_every_alias_names_an_action_and_its_parameters(alias):
    action = alias["action_ref"].removeprefix("cicd.")
    formats = [text for entry in alias["formats"] for text in entry["representation"]]

    assert alias["name"].startswith("cicd_")
    for spoken in (set(re.findall(r"(?:{{ ?|\(\?P<)(\w+)", text)) for text in formats):
        assert required(action) <= spoken <= set(ACTIONS[action]["parameters"])


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_task_that_can_fail_says_what_happens_then(name):
    for task, spec in WORKFLOWS[name]["tasks"].items():
        if spec["action"].startswith("cicd."):
            conditions = [transition["when"] for transition in spec["next"]]
            handled = any("failed()" in when or when == "<% completed() %>" for when in conditions)
            assert handled, f"{name}.{task}"


@pytest.mark.parametrize("name", ACTIONS)
def test_a_result_begins_with_what_people_read(name):
    first = ["message"] if ACTIONS[name]["runner_type"] == "python-script" else ["error", "message"]

    assert list(ACTIONS[name]["output_schema"]["properties"])[: len(first)] == first


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_returns_what_it_promises_in_that_order(name):
    returned = [key for entry in WORKFLOWS[name]["output"] for key in entry]

    assert returned == list(ACTIONS[name]["output_schema"]["properties"])


@pytest.mark.parametrize(("name", "parameters"), CONTRACT_OF_2015.items())
def test_what_users_call_keeps_its_name_and_parameters_of_2015(name, parameters):
    assert parameters <= set(ACTIONS[name]["parameters"])
    assert required(name) <= parameters


# What StackStorm's runners take beside the action's own parameters; of these an action may change no more
# than the default, and whether people may give them.
RUNNERS = {
    "python-script": {"content_version", "debug", "env", "log_level", "timeout"},
    "orquesta": {"notify"},
}


@pytest.mark.parametrize("name", ACTIONS)
def test_every_parameter_is_described(name):
    runners = RUNNERS[ACTIONS[name]["runner_type"]]
    own = {key: schema for key, schema in ACTIONS[name]["parameters"].items() if key not in runners}

    assert all(schema.get("description") for schema in own.values())


@pytest.mark.parametrize("name", ACTIONS)
def test_of_a_runners_parameters_no_more_is_changed_than_stackstorm_lets(name):
    runners = RUNNERS[ACTIONS[name]["runner_type"]] & set(ACTIONS[name]["parameters"])
    lets = {"default", "description", "enum", "immutable", "required", "type"}  # the type as it is

    assert all(set(ACTIONS[name]["parameters"][one]) <= lets for one in runners)


PEOPLES = [name for name, action in ACTIONS.items() if not action["description"].startswith("Step: ")]


@pytest.mark.parametrize("name", PEOPLES)
def test_what_people_may_give_has_a_place_and_nothing_else_is_offered(name):
    parameters, hidden = ACTIONS[name]["parameters"], RUNNERS[ACTIONS[name]["runner_type"]]
    offered = {one: schema for one, schema in parameters.items() if not schema.get("immutable")}

    assert not hidden & set(offered)
    assert hidden <= set(parameters)
    assert sorted(schema["position"] for schema in offered.values()) == list(range(len(offered)))
    required = [schema["position"] for schema in offered.values() if schema.get("required")]
    assert sorted(required) == list(range(len(required))), "what must be given stands first"


@pytest.mark.parametrize("name", ACTIONS)
def test_defect_7_identifiers_have_the_pattern_of_the_code_before_anything_runs(name):
    for parameter, schema in ACTIONS[name]["parameters"].items():
        if schema.get("immutable") or parameter == "ring":
            continue
        if parameter in identifiers.PATTERNS and schema["type"] == "string":
            assert identifiers.PATTERNS[parameter] in schema["pattern"], parameter
            assert schema["pattern"].endswith("\\Z"), parameter


def test_defect_4_no_public_action_deploys_a_chosen_version_to_production():
    takes_version = [name for name, a in ACTIONS.items() if "version" in a["parameters"]]

    assert set(takes_version) == {
        "advertise_canary",
        "advertise_break_glass",
        "approve",
        "break_glass",
        "compare_builds",
        "deploy",
        "lift_veto",
        "plan_deploy",
        "publish_package",
        "pin_version",
        "reject",
        "veto_version",
    }
    for name in ("advertise_break_glass", "break_glass", "allow_past_ci", "publish_past_ci"):
        assert {"role", "reason"} <= set(required(name)), "the one exception is for a role, with a reason"


def test_who_asks_is_never_a_parameter_that_the_caller_may_give():
    changing = [a["parameters"]["user"] for n, a in ACTIONS.items() if n in CHANGE_THE_RELEASE]

    assert len(changing) == len(CHANGE_THE_RELEASE)
    assert all(user["immutable"] for user in changing)


def test_who_asks_is_who_logged_in_unless_a_bot_that_the_configuration_names_says_who_speaks():
    users = [a["parameters"]["user"] for a in ACTIONS.values() if "user" in a["parameters"]]
    asked = {user["default"] for user in users if user.get("immutable")}

    (only,) = asked
    assert "if action_context.user in config_context.chat_accounts" in only


def test_a_reason_that_travels_through_a_workflow_holds_no_template():
    assert re.fullmatch(ACTIONS["break_glass"]["parameters"]["reason"]["pattern"], "db is down: users wait")
    for hostile in ("{{ st2kv }}", "<% ctx() %>", "{% set x %}"):
        assert not re.fullmatch(ACTIONS["break_glass"]["parameters"]["reason"]["pattern"], hostile)
    assert "ring" not in ACTIONS["deploy"]["parameters"]


def test_defect_9_every_status_that_a_build_can_end_with_has_a_rule():
    failed = RULES["on_jenkins_failed"]["criteria"]["trigger.body.build.status"]["pattern"]

    assert {*failed, RULES["on_jenkins_passed"]["criteria"]["trigger.body.build.status"]["pattern"]} == {
        "SUCCESS",
        "FAILURE",
        "UNSTABLE",
        "ABORTED",
        "NOT_BUILT",
    }


def test_a_run_from_push_to_canary_starts_at_most_14_python_actions():
    def starts(name: str) -> int:
        if ACTIONS[name]["runner_type"] == "python-script":
            return 1
        tasks = WORKFLOWS[name]["tasks"]
        left_out = ("build_tree", "build_architectures", "compare_builds", "clean_after_failure")
        left_out += ("find_another_host", "undo_deploy")
        inner = [tasks[t]["action"] for t in tasks if t not in left_out]
        return sum(starts(a.removeprefix("cicd.")) for a in inner if a.startswith("cicd."))

    assert starts("git_push") + starts("ci_start") + starts("ci_success") <= 14


def test_defect_15_no_key_is_in_the_repository():
    keys = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY")
    texts = [p for p in ROOT.rglob("*") if p.is_file() and not {".git", ".venv", "build"} & set(p.parts)]

    assert not [p for p in texts if p.stat().st_size < 10**6 and keys.search(p.read_text(errors="ignore"))]


# The record decides which version goes where, and how: who calls a step by itself cannot widen that.
DEPLOY_STEPS = {
    "find_hosts": {"project", "ring", "retry", "names"},
    "update_hosts": {"project", "ring", "generation", "hosts", "timeout"},
    "confirm_ring": {"project", "ring", "generation", "user"},
    "advertise_last_good": {"project", "ring", "generation", "user"},
    "advertise_previous_good": {"project", "ring", "user", "expected"},
    "update_ring": {"project", "ring", "generation"},
    "undo_deploy": {"project", "ring", "generation"},
    "check_canary": {"project", "ring", "done", "plan"},
    "promote_canary": {"project", "ring", "plan", "due", "user", "expected"},
    "converge_host": {"project", "host", "timeout"},
    "step_traffic": {"project", "due", "user"},
}


@pytest.mark.parametrize("step", DEPLOY_STEPS)
def test_a_step_of_a_deploy_takes_nothing_that_widens_what_it_may_do(step):
    assert set(ACTIONS[step]["parameters"]) == DEPLOY_STEPS[step]
