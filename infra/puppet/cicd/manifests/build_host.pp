# @summary A host that builds packages, each project's own build in a sandbox.
#
# @param build_host how it offers that, and what it needs for it
class cicd::build_host (
  Cicd::Site::Build_host $build_host = $cicd::site::all['build_host'],
) inherits cicd::site {
  include cicd::consul
  require cicd::folder
  require cicd::login

  cicd::package { $build_host['packages'] + ['cicd-sandbox']:
    require => Class['cicd::apt_source'],
  }

  file { '/etc/ssh/ssh_known_hosts':
    source => "${cicd::site::files}/${cicd::site::all['ssh']['known_hosts_file']}",
    owner  => 'root',
    group  => 'root',
    mode   => '0644',
  }

  $folders = unique($build_host['secrets'].keys.map |$path| { dirname($path) })
  file { $folders:
    ensure  => directory,
    owner   => 'cicd',
    group   => 'cicd',
    mode    => '0700',
    require => Cicd::Package['cicd-sandbox'],
  }

  cicd::secrets { 'What projects are fetched with':
    files => $build_host['secrets'],
    owner => 'cicd',
    group => 'cicd',
    mode  => '0600',
  }

  cicd::consul_service { 'build_host':
    service => {
      'id'      => $build_host['service'],
      'name'    => $build_host['service'],
      'tags'    => $build_host['tags'] + pick($cicd::site::own['tags'], []),
      'address' => $cicd::site::own['address'],
    },
  }
}
