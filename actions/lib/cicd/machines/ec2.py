"""AWS's EC2, and clouds that speak like it, by its Query API."""

from __future__ import annotations

import base64
import hashlib
import time
import xml.etree.ElementTree as xml
from datetime import datetime
from typing import TYPE_CHECKING, Dict, Iterator, List, Mapping
from urllib.parse import urlencode

from cicd.errors import ProviderError
from cicd.machine_providers import PUBLIC, Provider
from cicd.machines import aws
from cicd.machines.api import CONFIGURE, Api
from cicd.machines.driver import (
    GONE,
    MACHINE_TAG,
    RUNNING,
    SITE_TAG,
    STARTING,
    STOPPED,
    Driver,
    Machine,
    Order,
    ours,
    seen,
)
from cicd.sanitize import one_line

if TYPE_CHECKING:
    import requests

VERSION = "2016-11-15"
PAGE = 1000
STATES = {
    "pending": STARTING,
    "running": RUNNING,
    "stopping": STOPPED,
    "stopped": STOPPED,
    "shutting-down": GONE,
    "terminated": GONE,
}
THROTTLED = ("RequestLimitExceeded", "Throttling")
NO_CREDENTIALS = (
    *("AuthFailure", "InvalidClientTokenId", "MissingAuthenticationToken", "OptInRequired"),
    *("SignatureDoesNotMatch", "UnrecognizedClientException"),
)
FULL = ("InstanceLimitExceeded", "InsufficientInstanceCapacity", "VcpuLimitExceeded")
NOT_ALLOWED, WOULD_WORK, NO_INSTANCE = (
    "UnauthorizedOperation",
    "DryRunOperation",
    "InvalidInstanceID.NotFound",
)
RIGHTS = (
    "ec2:RunInstances, ec2:CreateTags, ec2:TerminateInstances, ec2:DescribeInstances, ec2:DescribeImages "
    "and ec2:DescribeInstanceTypes"
)


class Ec2(Driver):
    """The instances that carry the tag of *site* in the region of *provider*."""

    def __init__(self, site: str, provider: Provider) -> None:
        self._site = site
        self._provider = provider
        url = provider.url.rstrip("/") or f"https://ec2.{provider.region}.amazonaws.com"
        self._api = Api(f"EC2 ({provider.name})", url, _wants_less)
        self._credentials = aws.read(provider.credentials_file)

    def list(self) -> List[Machine]:
        return ours(self._tagged({SITE_TAG: self._site}))

    def named(self, name: str) -> List[Machine]:
        return list(self._tagged({SITE_TAG: self._site, MACHINE_TAG: name}))

    def make(self, order: Order) -> Machine:
        return self._machine(_first(self._ask(self._wanted(order), makes=True), "instancesSet/item"))

    def remove(self, machine: Machine) -> None:
        try:
            self._ask({"Action": "TerminateInstances", "InstanceId.1": machine.identifier})
        except _Refusal as refusal:
            if refusal.code != NO_INSTANCE:
                raise

    def check(self) -> str:
        found = self.list()
        for spec in self._provider.specs:
            self._ask({"Action": "DescribeImages", "ImageId.1": spec.image})
            self._ask({"Action": "DescribeInstanceTypes", "InstanceType.1": spec.size})
            trial = Order("trial", "", "", spec.size, spec.image, self._provider.region, "", {}, spec.network)
            try:
                self._ask({**self._wanted(trial), "DryRun": "true"})
            except _Refusal as refusal:
                if refusal.code != WOULD_WORK:
                    raise
        return seen(self._site, found)

    def _wanted(self, order: Order) -> Dict[str, str]:
        given = {
            "Action": "RunInstances",
            "ImageId": order.image,
            "InstanceType": order.size,
            "MinCount": "1",
            "MaxCount": "1",
            "UserData": base64.b64encode(order.user_data.encode()).decode(),
            "ClientToken": _client_token(order),
            # Without a token of its own no process that is led astray can read the user-data.
            "MetadataOptions.HttpTokens": "required",
            "TagSpecification.1.ResourceType": "instance",
            **({"SubnetId": order.network} if order.network else {}),
            **({"KeyName": self._provider.ssh_keys[0]} if self._provider.ssh_keys else {}),
        }
        for number, group in enumerate(self._provider.security_groups, 1):
            given[f"SecurityGroupId.{number}"] = group
        for number, (key, value) in enumerate(sorted({**order.tags, "Name": order.name}.items()), 1):
            given[f"TagSpecification.1.Tag.{number}.Key"] = key
            given[f"TagSpecification.1.Tag.{number}.Value"] = value
        return given

    def _tagged(self, tags: Mapping[str, str]) -> Iterator[Machine]:
        wanted = {"Action": "DescribeInstances", "MaxResults": str(PAGE)}
        for number, (key, value) in enumerate(tags.items(), 1):
            wanted[f"Filter.{number}.Name"] = f"tag:{key}"
            wanted[f"Filter.{number}.Value.1"] = value
        token = ""
        while True:
            page = self._ask({**wanted, "NextToken": token} if token else wanted)
            yield from map(self._machine, page.findall("reservationSet/item/instancesSet/item"))
            token = page.findtext("nextToken") or ""
            if not token:
                return

    def _machine(self, instance: xml.Element) -> Machine:
        state = instance.findtext("instanceState/name") or ""
        tags = {tag.findtext("key"): tag.findtext("value") for tag in instance.findall("tagSet/item")}
        public, private = instance.findtext("ipAddress") or "", instance.findtext("privateIpAddress") or ""
        launched = (instance.findtext("launchTime") or "").replace("Z", "+00:00")
        return Machine(
            identifier=_first(instance, "instanceId").text or "",
            name=tags.get(MACHINE_TAG) or "",
            address=public if self._provider.address == PUBLIC and public else private or public,
            state=STATES.get(state, STARTING),
            created=datetime.fromisoformat(launched).timestamp() if launched else 0.0,
            reason=""
            if state == "running"
            else one_line(instance.findtext("stateReason/message") or state, 200),
        )

    def _ask(self, wanted: Mapping[str, str], makes: bool = False) -> xml.Element:
        body = urlencode(sorted({**wanted, "Version": VERSION}.items())).encode()
        at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        url, region = f"{self._api.url}/", self._provider.region
        headers = aws.signed(self._credentials, url, body, region, "ec2", at)
        answer = self._api.ask("POST", "/", makes, data=body, headers=headers)
        try:
            document = _bare(xml.fromstring(answer.content))
        except xml.ParseError:
            said = f"{self._api.provider} answered {answer.status_code}, no XML."
            raise ProviderError(said, CONFIGURE) from None
        if answer.ok:
            return document
        code = document.findtext("Errors/Error/Code") or str(answer.status_code)
        why = one_line(document.findtext("Errors/Error/Message") or "", 200).rstrip(".")
        raise _Refusal(code, f"{self._api.provider} refused: {code} {why}.", self._hint(code))

    def _hint(self, code: str) -> str:
        file = self._provider.credentials_file
        hints = {
            **dict.fromkeys(NO_CREDENTIALS, f"Put keys that are valid in {file}."),
            **dict.fromkeys(
                FULL, "Retire a machine, choose another size or region, or ask AWS for a higher limit."
            ),
            NOT_ALLOWED: f"Give the user of the keys in {file} {RIGHTS}.",
            "RequestExpired": "Set the clock of this machine.",
        }
        return hints.get(code, CONFIGURE)


class _Refusal(ProviderError):
    """EC2 does not do what it was asked, by its *code*."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message, hint)
        self.code = code


def _client_token(order: Order) -> str:
    """The same order is never taken twice, even while no list shows what was made."""
    return hashlib.sha256(repr((order, order.user_data)).encode()).hexdigest()


def _wants_less(answer: requests.Response) -> bool:
    return answer.status_code == 429 or (not answer.ok and any(code in answer.text for code in THROTTLED))


def _bare(document: xml.Element) -> xml.Element:
    """Return *document* without its namespace, which clouds that speak like EC2 write differently."""
    for element in document.iter():
        element.tag = element.tag.rpartition("}")[2]
    return document


def _first(element: xml.Element, path: str) -> xml.Element:
    found = element.find(path)
    if found is None:
        raise ProviderError(f"EC2 answered without {path}.", CONFIGURE)
    return found
