# @summary A name.
type Cicd::Word = Pattern[/\A[A-Za-z0-9][A-Za-z0-9._-]*\z/]
