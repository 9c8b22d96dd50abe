# @summary A tag of a service in Consul.
type Cicd::Tag = Pattern[/\A[A-Za-z0-9][A-Za-z0-9.:_-]*\z/]
