"""What cannot be done, as a sentence for whoever ran the program."""


class Refusal(Exception):
    """It names what, where, and what to do next; never a secret."""
