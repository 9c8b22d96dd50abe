"""A throw-away world on one machine: hosts, Consul, HAProxy, APT, git, Jenkins and StackStorm."""
