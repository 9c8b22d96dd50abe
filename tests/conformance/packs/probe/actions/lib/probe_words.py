"""Shared by the probe's actions."""

WORD = "shared"
