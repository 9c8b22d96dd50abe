"""The Jenkins job of a project, in the XML in which Jenkins keeps it."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, tostring

from cicd.clients.jenkins import DIRECTORY, PARAMETERS
from cicd.config import Project

PIPELINE = Path(__file__).with_name("Jenkinsfile")
GATEWAY_CREDENTIAL = "cicd-gateway"  # Jenkins' secret text with the gateway's address, token included
NOTIFICATION = "com.tikal.hudson.plugins.notification"
DECLARATION = "<?xml version='1.1' encoding='UTF-8'?>\n"
FOLDER = "com.cloudbees.hudson.plugins.folder.Folder"


def config_xml(project: Project) -> str:
    """
    Return the job of *project*: a pipeline that takes the parameters of `ci_start` and tells the gateway.

    It needs the plugins of infra/jenkins/plugins.txt, and names the gateway by a credential, so no secret
    is in it.
    """
    job = Element("flow-definition", plugin="workflow-job")
    _text(job, "description", f"Builds commits of {project.repository} for the project {project.name}.")
    _text(job, "keepDependencies", "false")
    properties = SubElement(job, "properties")
    properties.append(_parameters())
    properties.append(_notification())
    job.append(_pipeline())
    SubElement(job, "triggers")
    _text(job, "disabled", "false")
    return DECLARATION + tostring(job, encoding="unicode")


def folder_xml() -> str:
    """Return an empty folder for jobs."""
    folder = Element(FOLDER, plugin="cloudbees-folder")
    for name in ("actions", "description", "properties", "folderViews", "healthMetrics"):
        SubElement(folder, name)
    return DECLARATION + tostring(folder, encoding="unicode")


def folders(job: str) -> list[str]:
    """Return the folders of *job* by their whole names, the outermost first: of `a/b/job` they are a, a/b."""
    parts = job.split("/")[:-1]
    return ["/".join(parts[: number + 1]) for number in range(len(parts))]


def _parameters() -> Element:
    given = Element("hudson.model.ParametersDefinitionProperty")
    definitions = SubElement(given, "parameterDefinitions")
    for name in (*PARAMETERS, DIRECTORY):
        one = SubElement(definitions, "hudson.model.StringParameterDefinition")
        _text(one, "name", name)
        _text(one, "defaultValue", "")
        _text(one, "trim", "false")
    return given


def _notification() -> Element:
    """Every event of a build goes to the gateway; a log is never sent."""
    told = Element(f"{NOTIFICATION}.HudsonNotificationProperty", plugin="notification")
    endpoint = SubElement(SubElement(told, "endpoints"), f"{NOTIFICATION}.Endpoint")
    _text(endpoint, "protocol", "HTTP")
    _text(endpoint, "format", "JSON")
    where = SubElement(endpoint, "urlInfo")
    _text(where, "urlOrId", GATEWAY_CREDENTIAL)
    _text(where, "urlType", "SECRET")
    _text(endpoint, "event", "all")
    _text(endpoint, "timeout", "30000")
    _text(endpoint, "loglines", "0")
    _text(endpoint, "retries", "3")
    return told


def _pipeline() -> Element:
    kind = "org.jenkinsci.plugins.workflow.cps.CpsFlowDefinition"
    definition = Element("definition", {"class": kind, "plugin": "workflow-cps"})
    _text(definition, "script", PIPELINE.read_text(encoding="utf-8"))
    _text(definition, "sandbox", "true")
    return definition


def _text(parent: Element, name: str, value: str) -> None:
    SubElement(parent, name).text = value
