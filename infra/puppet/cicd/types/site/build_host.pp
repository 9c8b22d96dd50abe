# @summary What build hosts have.
type Cicd::Site::Build_host = Struct[{
  service  => Cicd::Word,
  tags     => Array[Cicd::Tag],
  packages => Array[Cicd::Package_name],
  secrets  => Cicd::Secret_files,
}]
