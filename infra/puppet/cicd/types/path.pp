# @summary A path on a host.
type Cicd::Path = Pattern[/\A(\/[A-Za-z0-9._@+-]+)+\z/]
