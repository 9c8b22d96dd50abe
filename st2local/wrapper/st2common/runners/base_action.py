"""The class that every Python action derives from."""

from __future__ import annotations

import abc
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SYSTEM_SCOPE = "st2kv.system"


class Action(abc.ABC):
    """An action: `config`, `logger`, `action_service`, and a method `run`."""

    description: Any = None

    def __init__(self, config: Any = None, action_service: Any = None) -> None:
        self.config = config or {}
        self.action_service = action_service
        self._logger: Any = None

    @property
    def logger(self) -> Any:
        """The action's logger; it writes to stderr."""
        # Made on demand: importing logging costs as much as a small action itself.
        if self._logger is None:
            level = getattr(self.action_service, "log_level", "DEBUG")
            self._logger = make_logger(f"actions.python.{type(self).__name__}", level)
        return self._logger

    @logger.setter
    def logger(self, value: Any) -> None:
        self._logger = value

    @abc.abstractmethod
    def run(self, **kwargs: Any) -> Any:
        """Do it; returns the result, or (whether it went well, the result)."""


def make_logger(name: str, level: str) -> Any:
    """Return a logger that writes to stderr as StackStorm's does."""
    import logging

    logging.addLevelName(25, "AUDIT")
    logger = logging.getLogger(f"st2.{name}")
    if not logger.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(name)s: %(levelname)-8s %(message)s"))
        logger.addHandler(handler)
        logger.propagate = False
    logger.setLevel(25 if level == "AUDIT" else level)
    return logger


def create(action_class: Any, config: Any, service: Any) -> Any:
    """Return an action; older classes take only the config."""
    try:
        return action_class(config=config, action_service=service)
    except TypeError as error:
        if "unexpected keyword argument 'action_service'" not in str(error):
            raise
        action = action_class(config=config)
        action.action_service = service
        return action


class KeyService:
    """What actions and sensors alike can ask of the server; `datastore_service` asks it."""

    datastore_service: Any

    def get_user_info(self) -> Any:
        """Return who it runs for."""
        return self.datastore_service.get_user_info()

    def list_values(
        self, local: bool = True, prefix: Any = None, limit: Any = None, offset: Any = None
    ) -> Any:
        """Return keys."""
        return self.datastore_service.list_values(local=local, prefix=prefix, limit=limit, offset=offset)

    def get_value(
        self, name: str, local: bool = True, scope: str = SYSTEM_SCOPE, decrypt: bool = False
    ) -> Any:
        """Return a key's value; None when it is not there or cannot be had."""
        return self.datastore_service.get_value(name, local=local, scope=scope, decrypt=decrypt)

    def set_value(
        self, name: str, value: Any, ttl: Any = None, local: bool = True, scope: str = SYSTEM_SCOPE,
        encrypt: bool = False,
    ) -> Any:  # fmt: skip
        """Set a key."""
        return self.datastore_service.set_value(
            name, value, ttl=ttl, local=local, scope=scope, encrypt=encrypt
        )

    def delete_value(self, name: str, local: bool = True, scope: str = SYSTEM_SCOPE) -> Any:
        """Delete a key; returns whether it was there."""
        return self.datastore_service.delete_value(name, local=local, scope=scope)


class ActionService(KeyService):
    """The datastore and the API, as the user the action runs for."""

    def __init__(self, pack: str, class_name: str, log_level: str = "DEBUG") -> None:
        self._pack = pack
        self._class_name = class_name
        self.log_level = log_level
        self._datastore: Any = None

    @property
    def datastore_service(self) -> Any:
        """The datastore, with this action's own prefix for local names."""
        if self._datastore is None:
            from st2common.services.datastore import DatastoreService

            url, token = os.environ["ST2_ACTION_API_URL"], os.environ["ST2_ACTION_AUTH_TOKEN"]
            self._datastore = DatastoreService(url, token, self._pack, self._class_name)
        return self._datastore

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request to the API; returns the parsed answer."""
        return self.datastore_service.request(method, path, body)
