# The host of the APT repository. NODE: its name in Consul. It offers itself, and touches no key.
service "apt" {
  policy = "write"
}

node "NODE" {
  policy = "write"
}
