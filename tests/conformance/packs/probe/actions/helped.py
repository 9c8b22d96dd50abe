"""Has a class that only helps, before its action."""

from st2common.runners.base_action import Action


class Apart:
    """Is no action."""


class Helped(Action):
    """Is the action."""

    def run(self):
        return "helped"
