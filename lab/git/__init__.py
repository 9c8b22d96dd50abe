"""Bare repositories whose pushes send GitHub's signed events."""
