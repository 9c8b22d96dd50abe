# cicd-converge on one app host, and its service. PROJECT: what it runs; one policy for each. NODE: its name in Consul.
# What its rings are wanted to run.
key_prefix "cicd/PROJECT/wanted/" {
  policy = "read"
}

# Its own report, and nobody else's.
key "cicd/PROJECT/hosts/NODE" {
  policy = "write"
}

# Its turn to leave traffic by itself, which goes with its session, and whether the others serve.
key_prefix "cicd/PROJECT/turns/" {
  policy = "write"
}

session "NODE" {
  policy = "write"
}

node_prefix "" {
  policy = "read"
}

# Registering the service, and taking it out of traffic. Consul knows no narrower right: it is of the service on every node.
service "PROJECT" {
  policy = "write"
}

# The check that shows that the host converges.
service "cicd-converge" {
  policy = "write"
}

# Asking for what the catalog has on this node, under any id; changing the node is for the agent's own token.
service_prefix "" {
  policy = "read"
}

# Asking the agent for its name.
agent "NODE" {
  policy = "read"
}
