# What StackStorm's workers may do to one project. PROJECT: its name; one policy for each.
# The record, the documents that hosts obey, history, runs and locks.
key_prefix "cicd/PROJECT/" {
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
