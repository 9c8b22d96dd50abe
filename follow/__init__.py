"""What programs share that follow Consul: they wait for a change, apply it on their host, and report."""
