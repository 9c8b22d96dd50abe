# A load balancer. NODE: its name in Consul. HAProxy asks its agent's DNS, which uses the agent's default token.
node_prefix "" {
  policy = "read"
}

service_prefix "" {
  policy = "read"
}

node "NODE" {
  policy = "write"
}
