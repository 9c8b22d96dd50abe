"""Each provider of machines, by its stand-in, in one form for tests."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import requests
import yaml

from cicd import config
from cicd.machines import aws, drivers, ec2
from cicd.machines.driver import Driver, Machine, Order
from lab.digitalocean import server as digitalocean
from lab.digitalocean.droplets import Droplets
from tests.conftest import free_port
from tests.lib.machines.between import Answer, Between, Trouble

ROOT = Path(__file__).parents[3]
MOTO = ROOT / "build" / "venvs" / "moto" / "bin" / "python"
START_SECONDS = 120  # on a machine that has much else to do
SECRET = "very-secret-0123456789"
USER_DATA = "#!/bin/sh\ntouch /was-here\n"


class Cloud(ABC):
    """One provider, called `cloud` in the configuration, and the driver that asks it."""

    driver = ""
    unknown: dict[str, str] = {}  # what is configured, and a value of it that the cloud refuses
    empty = ""  # what the cloud answers when it lists nothing
    kind = "application/json"

    def __init__(self, folder: Path, url: str, secret: str = SECRET) -> None:
        self.folder, self.real, self.secret = folder, url, secret
        self.between = Between(url)
        (folder / "secret").write_text(self.secret_file(secret))

    def settings(self, site: str = "acme", secret: str = "", url: str = "", **more: Any) -> config.Settings:
        given = yaml.safe_load((ROOT / "cicd.yaml.example").read_text())
        if secret:
            (self.folder / "wrong").write_text(self.secret_file(secret))
        file = self.folder / ("wrong" if secret else "secret")
        provider = {"driver": self.driver, "url": url or self.between.url, **self.provider(str(file)), **more}
        return config.parse({**given, "machines": {"site": site, "providers": {"cloud": provider}}})

    def ask(self, **more: Any) -> Driver:
        """Return the driver, of a configuration with *more*."""
        return drivers.of(self.settings(**more), "cloud")

    def order(self, name: str = "greeter-canary-1", project: str = "greeter", **more: Any) -> Order:
        return drivers.order(self.settings(**more), "cloud", name, project, "canary", USER_DATA)

    def disturb(self, answer: Answer, late: bool = False, times: int = 1) -> None:
        """Let the next *times* requests that make a machine be answered so."""
        self.between.trouble.append(Trouble(self.makes, answer, late, times))

    def hide(self, times: int) -> None:
        """Do not list what there is *times* times, from the next attempt to make something on."""
        made = Trouble(self.makes, Answer(0), late=True)
        hidden = Answer(200, self.empty, {"Content-Type": self.kind})
        is_after = lambda method, body: not made.times and not self.makes(method, body)  # noqa: E731
        self.between.trouble += [made, Trouble(is_after, hidden, times=times)]

    @abstractmethod
    def secret_file(self, secret: str) -> str:
        """Return what the file with the *secret* has."""

    @abstractmethod
    def provider(self, file: str) -> dict[str, Any]:
        """Return the provider's part of the configuration, with its secret in *file*."""

    @abstractmethod
    def makes(self, method: str, body: bytes) -> bool:
        """Whether a request makes a machine."""

    @abstractmethod
    def refusal(self, what: str) -> Answer:
        """Return the cloud's own answer for quota, busy or rights."""

    @abstractmethod
    def user_data(self, machine: Machine) -> str:
        """Return what the cloud gives *machine* as its user-data."""

    @abstractmethod
    def fail(self, machine: Machine) -> str:
        """Let *machine* stop by itself, and return what the cloud says of it."""

    @abstractmethod
    def started(self, machine: Machine) -> None:
        """Let *machine* have booted."""

    @abstractmethod
    def make_another(self, name: str) -> None:
        """Let somebody make one more machine with the tags of the one called *name*."""

    @abstractmethod
    def make_unmarked(self, machine: Machine, mark: str) -> None:
        """Let somebody make one like *machine* with the tag of its site; *mark* is its name, if any."""

    def close(self) -> None:
        self.between.close()


class PaperMachines:
    """Machines that start when a test says so."""

    def __init__(self) -> None:
        self.user_data: dict[int, str] = {}
        self.states: dict[int, str] = {}

    def boot(self, number: int, name: str, user_data: str) -> None:
        self.user_data[number], self.states[number] = user_data, "new"

    def status(self, number: int) -> str:
        return self.states[number]

    def address(self, number: int) -> str:
        return "" if self.states[number] == "new" else "10.135.0.7"

    def destroy(self, number: int) -> None:
        del self.states[number]


class DigitalOceanCloud(Cloud):
    driver = "digitalocean"
    unknown = {"size": "huge", "image": "debian-0", "region": "mars1"}
    empty = '{"droplets": [], "links": {}, "meta": {"total": 0}}'

    def __init__(self, folder: Path) -> None:
        self.machines = PaperMachines()
        self.droplets = Droplets(self.machines)
        self.http = digitalocean.server("127.0.0.1", 0, SECRET, self.droplets)
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()
        super().__init__(folder, f"http://127.0.0.1:{self.http.server_port}")

    def secret_file(self, secret: str) -> str:
        return f"{secret}\n"

    def provider(self, file: str) -> dict[str, Any]:
        return {"token_file": file, "region": "fra1", "size": "s-1vcpu-1gb", "image": "debian-12-x64"}

    def makes(self, method: str, body: bytes) -> bool:
        return method == "POST"

    def refusal(self, what: str) -> Answer:
        status, name, message, headers = {
            "quota": (
                422,
                "unprocessable_entity",
                "creating this/these droplet(s) will exceed your droplet limit",
                {},
            ),
            "rights": (403, "forbidden", "You do not have access for the attempted action.", {}),
            "busy": (429, "too_many_requests", "API Rate limit exceeded.", {"Retry-After": "1"}),
            "very busy": (429, "too_many_requests", "API Rate limit exceeded.", {"Retry-After": "1800"}),
            "broken": (500, "server_error", "Unexpected server-side error", {}),
        }[what]
        return Answer(
            status, json.dumps({"id": name, "message": message}), {"Content-Type": self.kind, **headers}
        )

    def user_data(self, machine: Machine) -> str:
        return self.machines.user_data[int(machine.identifier)]

    def fail(self, machine: Machine) -> str:
        self.machines.states[int(machine.identifier)] = "off"
        return "the droplet is off"

    def started(self, machine: Machine) -> None:
        self.machines.states[int(machine.identifier)] = "active"

    def make_another(self, name: str) -> None:
        self._make_again(name, lambda tag: tag)

    def make_unmarked(self, machine: Machine, mark: str) -> None:
        marked = f"cicd-machine:{mark}" if mark else "web"
        self._make_again(machine.name, lambda tag: marked if tag.startswith("cicd-machine:") else tag)

    def _make_again(self, name: str, tag: Callable[[str], str]) -> None:
        headers = {"Authorization": f"Bearer {SECRET}"}
        found = requests.get(f"{self.real}/v2/droplets", headers=headers, timeout=30).json()["droplets"]
        one = next(droplet for droplet in found if droplet["name"] == name)
        body = {
            "name": name,
            "region": "fra1",
            "size": one["size_slug"],
            "image": "debian-12-x64",
            "tags": [*map(tag, one["tags"])],
        }
        requests.post(f"{self.real}/v2/droplets", headers=headers, json=body, timeout=30).raise_for_status()

    def close(self) -> None:
        super().close()
        self.http.shutdown()
        self.http.server_close()


class Moto:
    """moto's server, in a process: the EC2 that tests ask, which checks signatures and rights."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [str(MOTO), "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        strict = {"MOTO_ENABLE_AMI_VALIDATION": "true", "MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION": "true"}
        with (folder / "moto.log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **strict})
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise AssertionError((folder / "moto.log").read_text()[-4000:])
            time.sleep(0.1)

    def reset(self) -> tuple[str, str]:
        """Forget everything, and return the keys of a user with the rights that the pack asks for."""
        self._tell("reset-auth", "inf")
        self._tell("reset", "")
        rights = {"Effect": "Allow", "Action": re.findall(r"ec2:\w+", ec2.RIGHTS), "Resource": "*"}
        self._of_iam(Action="CreateUser", UserName="cicd")
        policy = json.dumps({"Version": "2012-10-17", "Statement": [rights]})
        self._of_iam(Action="PutUserPolicy", UserName="cicd", PolicyName="machines", PolicyDocument=policy)
        made = self._of_iam(Action="CreateAccessKey", UserName="cicd")
        keys = re.findall("<(?:AccessKeyId|SecretAccessKey)>([^<]+)<", made)
        self._tell("reset-auth", "0")
        return keys[0], keys[1]

    def _tell(self, what: str, text: str) -> None:
        requests.post(f"{self.url}/moto-api/{what}", data=text, timeout=60).raise_for_status()

    def _of_iam(self, **wanted: str) -> str:
        scope = "Credential=x/20261129/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=x"
        headers = {"Authorization": f"AWS4-HMAC-SHA256 {scope}"}
        answer = requests.post(
            self.url, data={**wanted, "Version": "2010-05-08"}, headers=headers, timeout=60
        )
        answer.raise_for_status()
        return answer.text

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/moto-api/data.json", timeout=5).ok
        except requests.RequestException:
            return False


class Ec2Cloud(Cloud):
    driver = "ec2"
    unknown = {"image": "ami-0000000000000000f", "size": "t3.huge"}  # the region is in its URL
    kind = "text/xml"
    empty = (
        f'<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/{ec2.VERSION}/">'
        "<requestId>1</requestId><reservationSet/></DescribeInstancesResponse>"
    )

    def __init__(self, folder: Path, moto: Moto) -> None:
        self.key, secret = moto.reset()
        super().__init__(folder, moto.url, secret)

    def secret_file(self, secret: str) -> str:
        return f"[default]\naws_access_key_id = {self.key}\naws_secret_access_key = {secret}\n"

    def provider(self, file: str) -> dict[str, Any]:
        return {"credentials_file": file, "region": "us-east-1", "size": "t3.small", "image": "ami-12c6146b"}

    def makes(self, method: str, body: bytes) -> bool:
        return b"Action=RunInstances" in body

    def refusal(self, what: str) -> Answer:
        status, code, message = {
            "quota": (
                400,
                "VcpuLimitExceeded",
                "You have requested more vCPU capacity than your limit of 32 allows.",
            ),
            "rights": (403, "UnauthorizedOperation", "You are not authorized to perform this operation."),
            "busy": (503, "RequestLimitExceeded", "Request limit exceeded."),
            "very busy": (503, "RequestLimitExceeded", "Request limit exceeded."),
            "broken": (500, "InternalError", "An internal error has occurred"),
        }[what]
        error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        headers = {"Content-Type": self.kind, **({"Retry-After": "1800"} if what == "very busy" else {})}
        return Answer(
            status, f"<Response><Errors>{error}</Errors><RequestID>1</RequestID></Response>", headers
        )

    def user_data(self, machine: Machine) -> str:
        made = next(body for _, _, body in self.between.asked if self.makes("POST", body))
        return base64.b64decode(parse_qs(made.decode())["UserData"][0]).decode()

    def fail(self, machine: Machine) -> str:
        self._do(Action="TerminateInstances", **{"InstanceId.1": machine.identifier})
        return "User initiated shutdown"

    def started(self, machine: Machine) -> None:
        """moto's run once they are made."""

    def make_another(self, name: str) -> None:
        made = next(body for _, _, body in self.between.asked if self.makes("POST", body))
        again = {key: values[0] for key, values in parse_qs(made.decode()).items()}
        self._do(**{**again, "ClientToken": "another"})

    def make_unmarked(self, machine: Machine, mark: str) -> None:
        made = next(body for _, _, body in self.between.asked if self.makes("POST", body))
        again = {key: values[0] for key, values in parse_qs(made.decode()).items()}
        tags = {key: "x" if value == "cicd-machine" and not mark else value for key, value in again.items()}
        named = {key: mark if value == machine.name and mark else value for key, value in tags.items()}
        self._do(**{**named, "ClientToken": f"another{mark}"})

    def _do(self, **wanted: str) -> None:
        body = urlencode({"Version": ec2.VERSION, **wanted}).encode()
        at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        keys = aws.Credentials(self.key, self.secret)
        headers = aws.signed(keys, f"{self.real}/", body, "us-east-1", "ec2", at)
        requests.post(f"{self.real}/", data=body, headers=headers, timeout=60).raise_for_status()
