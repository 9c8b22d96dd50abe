# One app host. PROJECT: what it runs; one policy for each. NODE: its name in Consul.
# What its rings are wanted to run.
key_prefix "cicd/PROJECT/wanted/" {
  policy = "read"
}

# Its own report, and nobody else's.
key "cicd/PROJECT/hosts/NODE" {
  policy = "write"
}

# Registering the service, and taking it out of traffic.
service "PROJECT" {
  policy = "write"
}

node "NODE" {
  policy = "write"
}

# Asking the agent for its name.
agent "NODE" {
  policy = "read"
}
