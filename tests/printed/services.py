"""What the gateway, the status page and st2local have against a block that is a part of their files."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml
from jinja2.exceptions import TemplateError

from follow.errors import FollowError
from gateway import config as gateways
from gateway.told import ConfigError
from render import job as jobs
from render.template import environment
from st2local.validation.validate import validate
from status import config as pages
from tests.printed.texts import ROOT, Text

SECRET = "a secret that nobody guesses"
PACK = (
    "name: site\nref: site\ndescription: A site's own.\nversion: 1.0.0\nauthor: ann\nemail: ann@example.com\n"
)
Values = dict[str, Any]


def gateway(block: Text) -> Iterator[str]:
    """Say what the gateway refuses of a part of gateway.yaml."""
    yield from _refused(gateways.read, ROOT / "gateway" / "gateway.yaml.example", block)


def status(block: Text) -> Iterator[str]:
    """Say what the status page refuses of a part of status.yaml."""
    yield from _refused(pages.read, ROOT / "status" / "status.yaml.example", block)


def content(block: Text) -> Iterator[str]:
    """Say what `st2local validate` has against a rule, an alias, an action or a policy of a site's pack."""
    with tempfile.TemporaryDirectory() as folder:
        pack = Path(folder)
        file = pack / Path(block.title).parent.name / Path(block.title).name
        file.parent.mkdir()
        (pack / "pack.yaml").write_text(PACK)
        file.write_text(block.code)
        yield from (f"line {one.line}: {one.message}" for one in validate(pack, [ROOT]))


def job(block: Text) -> Iterator[str]:
    """Say what cicd-render refuses of a file of render.d."""
    try:
        jobs.parse(yaml.safe_load(block.code))
    except FollowError as error:
        yield str(error)


def template(block: Text) -> Iterator[str]:
    """Say why cicd-render cannot read a template."""
    try:
        environment(ROOT).from_string(block.code)
    except TemplateError as error:
        yield str(error)


def _refused(read: Callable[[Path], object], example: Path, block: Text) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        secret, file = Path(folder) / "secret", Path(folder) / block.title.rpartition("/")[2]
        secret.write_text(SECRET)
        secret.chmod(0o600)
        whole = yaml.safe_load(example.read_text()) | yaml.safe_load(block.code)
        file.write_text(yaml.safe_dump(_with_files(whole, str(secret))))
        try:
            read(file)
        except ConfigError as error:
            yield str(error)


def _with_files(values: Values, file: str) -> Values:
    """Return *values* with a file that is there wherever a file of a secret is named."""
    return {key: _with_file(key, value, file) for key, value in values.items()}


def _with_file(key: str, value: Any, file: str) -> Any:
    if isinstance(value, dict):
        return _with_files(value, file)
    return {"_file": file, "files": [file]}.get(str(key)[-5:], value)
