# @summary How StackStorm logs in.
type Cicd::Site::Ssh = Struct[{
  port             => Integer[1, 65535],
  public_key_file  => Cicd::File,
  known_hosts_file => Cicd::File,
}]
