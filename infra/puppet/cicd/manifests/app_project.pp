# @summary A project on an app host: what cicd-converge knows of it, its environment, and its service in Consul.
#
# @param project what the site's data say of it
# @param ring the ring of this host
define cicd::app_project (
  Cicd::Project $project,
  Cicd::Word $ring,
) {
  include cicd::consul

  $address = $cicd::site::own['address']
  $health = "http://${address}:${project['port']}${project['health']}"
  $rings = pick($project['rings'], { 'canary' => $project['canary_tag'] })
  $token = $cicd::site::has_tokens ? {
    true    => { 'token' => cicd::secret($cicd::site::all['consul']['tokens']['converge_file']) },
    default => {},
  }
  $service = {
    'id'      => $project['service'],
    'name'    => $project['service'],
    'tags'    => [$project['tag'], pick($rings[$ring], $project['tag'])].unique,
    'address' => $address,
    'port'    => $project['port'],
    'checks'  => [{
      'id'       => "${title}:health",
      'name'     => "${title} answers",
      'http'     => $health,
      'interval' => '2s',
      'timeout'  => '5s',
    }],
  }

  file { "/etc/cicd/projects/${title}.conf":
    content => epp('cicd/project.conf.epp', { 'project' => $project, 'health' => $health }),
    owner   => 'root',
    group   => 'root',
    mode    => '0644',
  }

  # Nothing starts the application again, which would be on all hosts at once: the next deploy does, in turn.
  if $project['environment'] {
    file { "/etc/default/${title}":
      content => epp('cicd/environment.epp', { 'project' => $title, 'environment' => $project['environment'] }),
      owner   => 'root',
      group   => 'root',
      mode    => '0640',
    }
  }

  cicd::secret_json { "/etc/consul.d/cicd-${title}.json":
    content => { 'service' => $service + $token },
    mode    => '0640',
    require => Cicd::Package['consul'],
    notify  => Exec['Reload Consul'],
  }
}
