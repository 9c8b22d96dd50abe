# @summary Consul's agent: a server where the site's data say so, else a client.
#
# @param consul what all agents of the site have in common
class cicd::consul (
  Cicd::Site::Consul $consul = $cicd::site::all['consul'],
) inherits cicd::site {
  require cicd::apt_source

  $hosts = $cicd::site::all['hosts']
  $is_server = $cicd::site::host in $consul['servers']
  $only_server = $is_server ? { true => { 'bootstrap_expect' => $consul['servers'].length }, default => {} }
  $agent = {
    'node_name'   => $cicd::site::host,
    'datacenter'  => $consul['datacenter'],
    'data_dir'    => '/var/lib/consul',
    'bind_addr'   => $cicd::site::own['address'],
    'client_addr' => $consul['listen'],
    'server'      => $is_server,
    'retry_join'  => $consul['servers'].map |$name| { $hosts[$name]['address'] },
  }

  cicd::package { 'consul': }
  -> file {
    default:
      owner  => 'root',
      group  => 'root',
      mode   => '0644',
      notify => Service['consul'];
    '/etc/consul.d/agent.json':
      content => to_json_pretty($agent + $only_server);
    '/etc/consul.d/settings.json':
      content => to_json_pretty(pick($consul['settings'], {}));
  }
  contain cicd::consul::secrets

  Cicd::Package['consul'] -> Class['cicd::consul::secrets'] ~> Service['consul']

  # The agent reads services anew without a restart. One that starts has them from the beginning.
  exec { 'Reload Consul':
    command     => '/usr/bin/systemctl reload consul',
    onlyif      => '/usr/bin/systemctl is-active --quiet consul',
    refreshonly => true,
  }
  -> service { 'consul':
    ensure => running,
    enable => true,
  }
}
