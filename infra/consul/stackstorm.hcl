# StackStorm's workers, once; for each project stackstorm-project.hcl as well. NODE: where their Consul agent runs.
# What is of no single project: events, alarms, pushes, builders, the names of packages, holds on everything.
key_prefix "cicd/." {
  policy = "write"
}

key_prefix "cicd/events/" {
  policy = "write"
}

key_prefix "cicd/check/" {
  policy = "write"
}

key_prefix "cicd/everything/" {
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
