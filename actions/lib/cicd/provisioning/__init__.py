"""Machines become hosts of a ring, and leave it again."""
