# @summary The gateway's or the status page's files.
type Cicd::Program_files = Struct[{
  config_file => Cicd::File,
  secrets     => Cicd::Secret_files,
}]
