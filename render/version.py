"""The version of this package; its build writes the pack's here."""

VERSION = "0"
