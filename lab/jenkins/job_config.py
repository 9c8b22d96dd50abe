"""A job's config.xml: what of it decides how the job is shown and built."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from lab.jenkins.build import PARAMETERS

FOLDER = "com.cloudbees.hudson.plugins.folder.Folder"
NOTIFIER = "com.tikal.hudson.plugins.notification.HudsonNotificationProperty"
KINDS = {
    "project": "hudson.model.FreeStyleProject",
    "flow-definition": "org.jenkinsci.plugins.workflow.job.WorkflowJob",
    FOLDER: "com.cloudbees.hudson.plugins.folder.Folder",
}


@dataclass(frozen=True)
class JobConfig:
    """Its class in Jenkins, the *parameters* that it defines, whether it is built and *tells* of builds."""

    kind: str = KINDS["project"]
    parameters: tuple[str, ...] = PARAMETERS
    tells: bool = True
    disabled: bool = False


def read(text: str) -> JobConfig:
    """Return the job in *text*; ValueError when Jenkins could not read it."""
    # Jenkins writes XML 1.1, which Python's parser does not know; the job is the same.
    body = text.split("?>", 1)[1] if text.startswith("<?xml") else text
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError as error:
        raise ValueError(f"it is not XML: {error}") from None
    if root.tag not in KINDS:
        raise ValueError(f"no plugin knows <{root.tag}>")
    names = tuple(str(one.findtext("name")) for one in root.iter() if _is_parameter(one))
    is_disabled = root.findtext("disabled") == "true"
    return JobConfig(KINDS[root.tag], names, root.find(f".//{NOTIFIER}") is not None, is_disabled)


def _is_parameter(one: Element) -> bool:
    return one.tag == "hudson.model.StringParameterDefinition"
