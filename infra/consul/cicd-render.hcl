# cicd-render on a load balancer, beside load-balancer.hcl of its agent. NODE: its name in Consul.
# A template of your own that asks for other keys needs them here as well.
node_prefix "" {
  policy = "read"
}

service_prefix "" {
  policy = "read"
}

# Where projects' applications say how they are, and the projects' host names.
key_prefix "cicd/.balancer/" {
  policy = "read"
}

# Its own report of what is applied.
key "cicd/.render/NODE" {
  policy = "write"
}
