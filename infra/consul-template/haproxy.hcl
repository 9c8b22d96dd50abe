# consul-template -config haproxy.hcl: next to a haproxy.cfg with the frontend of docs/haproxy.md#several-projects.
consul {
  address = "127.0.0.1:8500"
}

template {
  source      = "/etc/consul-template/haproxy.cfg.ctmpl"
  destination = "/etc/haproxy/projects/all.cfg"
  perms       = 0644
  exec {
    command = ["sh", "-c", "haproxy -c -q -f /etc/haproxy/haproxy.cfg -f /etc/haproxy/projects && systemctl reload haproxy"]
  }
  wait {
    min = "1s"
    max = "10s"
  }
}
