# @summary A host of the site.
type Cicd::Host = Struct[{
  address            => Pattern[/\A[0-9]+([.][0-9]+){3}\z/],
  roles              => Array[Cicd::Role],
  Optional[projects] => Hash[Cicd::Word, Cicd::Word],
  Optional[tags]     => Array[Cicd::Tag],
}]
