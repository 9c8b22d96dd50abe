# @summary What StackStorm's host has of the pack.
type Cicd::Site::Stackstorm_host = Struct[{
  configs     => Cicd::Path,
  group       => Cicd::Word,
  config_file => Cicd::File,
  register    => Array[String, 1],
  secrets     => Cicd::Secret_files,
}]
