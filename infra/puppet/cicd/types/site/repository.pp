# @summary The team's own APT repository.
type Cicd::Site::Repository = Struct[{
  url             => Pattern[/\Ahttps?:\/\/[A-Za-z0-9._:\/-]+\z/],
  distribution    => Cicd::Word,
  component       => Cicd::Word,
  architectures   => Array[Cicd::Word, 1],
  public_key_file => Cicd::File,
}]
