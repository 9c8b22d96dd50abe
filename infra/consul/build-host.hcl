# One build host. NODE: its name in Consul. It offers itself, and touches no key.
service "build" {
  policy = "write"
}

node "NODE" {
  policy = "write"
}
