# @summary What an application finds in its environment: any text of one line, by name.
type Cicd::Environment = Hash[Pattern[/\A[A-Za-z_][A-Za-z0-9_]*\z/], Variant[Integer, Pattern[/\A[^\x00-\x1f\x7f]*\z/]]]
