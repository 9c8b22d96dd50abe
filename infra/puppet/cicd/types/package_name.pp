# @summary The name of a Debian package.
type Cicd::Package_name = Pattern[/\A[a-z0-9][a-z0-9.+-]+\z/]
