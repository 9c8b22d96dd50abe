# @summary A path below the site's files.
type Cicd::File = Pattern[/\A[A-Za-z0-9{][A-Za-z0-9._@+{}\/-]*\z/]
