"""Hosts: booted systemd in containers, each with its own disk, sshd and Consul agent."""
