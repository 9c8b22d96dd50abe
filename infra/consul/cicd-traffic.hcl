# cicd-traffic on a load balancer, beside load-balancer.hcl of its agent. NODE: its name in Consul.
# Which share of requests each project's canary is to get.
key_prefix "cicd/.traffic/wanted/" {
  policy = "read"
}

# Its own report of what is applied.
key "cicd/.traffic/applied/NODE" {
  policy = "write"
}
