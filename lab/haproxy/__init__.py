"""HAProxy, which follows Consul's DNS."""
