# The status page: it reads what is recorded and which hosts are healthy, and writes nothing.
key_prefix "cicd/" {
  policy = "read"
}

node_prefix "" {
  policy = "read"
}

service_prefix "" {
  policy = "read"
}
