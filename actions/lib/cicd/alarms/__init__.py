"""Alarms of monitoring systems: what follows from each, and what was decided."""
