"""Runs one Python action of a pack; started by st2local, with only what an action may import on its path."""

# Every import here is paid for by every action: json and typing alone would double the cost of a start.
from __future__ import annotations

import marshal
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

INVALID_STATUS = 220


def main() -> None:
    """Read what to run from stdin, run it, and send its result through the message pipe."""
    wanted = marshal.loads(sys.stdin.buffer.read())
    # An action finds an empty stdin, as under StackStorm's service.
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    pipe = int(os.environ.pop("ST2_MESSAGE_FD"))
    os.set_inheritable(pipe, False)
    action = _load(wanted)
    output = action.run(**wanted["parameters"])
    sys.stdout.flush()
    _send(pipe, _message(output))


def _load(wanted: dict[str, Any]) -> Any:
    from st2common.runners import base_action, loader

    path = wanted["file_path"]
    try:
        action_class = loader.find_class(path)
    except Exception as error:
        import traceback

        message = (
            f'Failed to load action class from file "{path}" (action file most likely doesn\'t exist or '
            f"contains invalid syntax): {error}\n\n{traceback.format_exc()}"
        )
        raise _same_kind(error, message) from None
    service = base_action.ActionService(wanted["pack"], action_class.__name__, wanted["log_level"])
    return base_action.create(action_class, wanted["config"], service)


def _same_kind(error: Exception, message: str) -> Exception:
    try:
        return type(error)(message)
    except TypeError:
        return Exception(message)


def _message(output: Any) -> bytes:
    status, result = output if isinstance(output, tuple) and len(output) == 2 else (None, output)
    if status is not None and not isinstance(status, bool):
        sys.stderr.write(
            f"Status returned from the action run() method must either be True or False, got: {status}\n"
            "If this is an existing action which returns a tuple with two items, it needs to be updated to"
            " either:\n\n1. Return a list instead of a tuple\n2. Return a tuple where a first items is a"
            " status flag - (True, ('item1', 'item2'))\n"
        )
        sys.exit(INVALID_STATUS)
    return _encoded(status, result)


def _encoded(status: bool | None, result: Any) -> bytes:
    try:
        return b"M" + marshal.dumps((status, result))
    except ValueError:
        from st2common.runners import plain

    try:
        return b"M" + marshal.dumps((status, plain.convert(result)))
    except (TypeError, ValueError):
        if status is None:
            return b"T" + str({"result": result, "status": None}).encode()
        return b"M" + marshal.dumps((status, str(result)))


def _send(pipe: int, data: bytes) -> None:
    # The length tells a whole message from that of an action that died while it wrote.
    data = len(data).to_bytes(8, "big") + data
    while data:
        data = data[os.write(pipe, data) :]


if __name__ == "__main__":
    main()
