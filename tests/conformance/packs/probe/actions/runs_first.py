"""Has two classes with a method `run`."""

from st2common.runners.base_action import Action


class Early:
    """Is no action by its base, but by its method."""

    def __init__(self, config=None, action_service=None):
        self.config = config

    def run(self):
        return "first"


class Later(Action):
    """Would be the action, if it came first."""

    def run(self):
        return "second"
