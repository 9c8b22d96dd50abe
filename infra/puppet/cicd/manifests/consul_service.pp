# @summary A service that this host's agent offers.
#
# @param service what Consul is told of it
define cicd::consul_service (
  Hash $service,
) {
  include cicd::consul

  file { "/etc/consul.d/${title}.json":
    content => to_json_pretty({ 'service' => $service }),
    owner   => 'root',
    group   => 'root',
    mode    => '0644',
    require => Cicd::Package['consul'],
    notify  => Exec['Reload Consul'],
  }
}
