"""The monitoring systems in the configuration: what the schema cannot see of them."""

from __future__ import annotations

from cicd import config_file
from cicd.config_schema import Problem
from cicd.errors import ConfigError
from cicd.sections import MonitoringSettings


def refuse_without_login(known: MonitoringSettings) -> None:
    """Raise ConfigError when `monitoring` has an Icinga, and not both user and password."""
    login = {"icinga_user": known.icinga_user, "icinga_password_file": known.icinga_password_file}
    missing = [key for key, value in login.items() if known.icinga and not value]
    if missing:
        keys = ("monitoring", missing[0])
        raise ConfigError(
            f"`{Problem(keys, '').name}` is missing, and Icinga takes downtimes from users of its API alone, "
            f"in {config_file.place(keys)}.",
            f"Add it in {config_file.path()}, see docs/alarms.md, {config_file.REGISTER}.",
        )
