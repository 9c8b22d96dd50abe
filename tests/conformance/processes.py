"""What a server runs, as the kernel shows it."""

from pathlib import Path


def of_actions(server: int) -> list[int]:
    """Return the processes of the Python actions of *server*: copies of a fork server, or started plainly."""
    children = _children(server)
    copied = [pid for child in children if "fork_server" in command_line(child) for pid in _children(child)]
    return sorted([*copied, *(child for child in children if "python_action_wrapper" in command_line(child))])


def command_line(pid: int) -> str:
    """Return the arguments of *pid*, each ended by a NUL; nothing when it has ended."""
    return _text(Path(f"/proc/{pid}/cmdline"))


def every() -> list[int]:
    """Return all processes of this machine."""
    return [int(path.name) for path in Path("/proc").glob("[0-9]*")]


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for path in tasks for child in _text(path).split()]


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
