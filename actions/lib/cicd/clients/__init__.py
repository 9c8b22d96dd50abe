"""Whom the pack speaks to: Consul, Jenkins, GitHub, StackStorm, and machines over SSH."""
