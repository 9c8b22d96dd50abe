"""Consul: its binary, and an agent on every host."""
