"""Machines for hosts: asked of a provider, found again, given back."""
