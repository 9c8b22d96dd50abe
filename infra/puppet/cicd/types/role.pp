# @summary What a host is.
type Cicd::Role = Enum[
  'app_host', 'build_host', 'repository_host', 'load_balancer', 'stackstorm_host', 'gateway_host', 'status_host'
]
