# StackStorm's workers. PROJECT: a project; one policy for each. NODE: where their Consul agent runs.
# The record, the documents that hosts obey, history, runs and locks.
key_prefix "cicd/" {
  policy = "write"
}

# What a host reports is the host's alone to say.
key_prefix "cicd/PROJECT/hosts/" {
  policy = "read"
}

# The contract keys, for people, Puppet and consul-template.
key "PROJECT::version" {
  policy = "write"
}

key "PROJECT::canary_version" {
  policy = "write"
}

# Where the hosts are, and whether they are healthy.
node_prefix "" {
  policy = "read"
}

service_prefix "" {
  policy = "read"
}

# A deploy lock dies with its session.
session "NODE" {
  policy = "write"
}
