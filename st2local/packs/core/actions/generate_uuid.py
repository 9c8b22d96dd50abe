"""Makes a UUID."""

from __future__ import annotations

import uuid

from st2common.runners.base_action import Action


class GenerateUUID(Action):  # type: ignore[misc]
    """Returns a fresh UUID as text."""

    def run(self, uuid_type: str) -> str:
        """Return a UUID of the kind `uuid1` or `uuid4`."""
        return str(uuid.uuid1() if uuid_type == "uuid1" else uuid.uuid4())
