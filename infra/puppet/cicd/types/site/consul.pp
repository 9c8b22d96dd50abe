# @summary What all agents of the site have in common.
type Cicd::Site::Consul = Struct[{
  datacenter         => Cicd::Word,
  servers            => Array[Cicd::Word, 1],
  listen             => Pattern[/\A([0-9.]+|\{address\})\z/],
  encrypt_file       => Cicd::File,
  Optional[tls]      => Struct[{ ca_file => Cicd::File, cert_file => Cicd::File, key_file => Cicd::File }],
  Optional[tokens]   => Struct[{
    agent_file    => Cicd::File,
    converge_file => Cicd::File,
    traffic_file  => Cicd::File,
    render_file   => Cicd::File,
  }],
  Optional[settings] => Hash,
}]
