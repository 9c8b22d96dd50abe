"""Shared by the probe's actions."""

WORD = "shared"


class Odd:
    """Something that is no JSON."""

    def __repr__(self):
        return "odd thing"
