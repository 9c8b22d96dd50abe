# @summary Where the repository is kept, and who signs it.
type Cicd::Site::Repository_host = Struct[{
  service          => Cicd::Word,
  tags             => Array[Cicd::Tag],
  listen           => Pattern[/\A([0-9.]+:)?[0-9]{1,5}\z/],
  folder           => Cicd::Path,
  name             => Cicd::Word,
  signing_key      => Pattern[/\A[A-Za-z0-9@._+-]+\z/],
  signing_key_file => Cicd::File,
}]
