# @summary Assignments of sh.
type Cicd::Settings = Hash[Pattern[/\A[A-Z][A-Z0-9_]*\z/], Variant[Integer, Pattern[/\A[A-Za-z0-9 ,.:\/_=@+~-]*\z/]]]
