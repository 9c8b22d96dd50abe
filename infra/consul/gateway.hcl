# The gateway, where new machines join: it hands over what is sealed for them. NODE: where its Consul agent runs.
key_prefix "cicd/.joins/" {
  policy = "write"
}
