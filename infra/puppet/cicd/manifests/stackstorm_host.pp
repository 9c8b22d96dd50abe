# @summary What StackStorm's host has of the pack: its configuration and its secrets.
#
# StackStorm itself is there already.
#
# @param stackstorm_host where the files go, and which they are
class cicd::stackstorm_host (
  Cicd::Site::Stackstorm_host $stackstorm_host = $cicd::site::all['stackstorm_host'],
) inherits cicd::site {
  include cicd::consul
  require cicd::folder

  $files = $cicd::site::files
  $group = $stackstorm_host['group']
  $missing = "${cicd::site::host} has no group ${group}. Install StackStorm there first, or correct `group`."

  exec { 'StackStorm is there':
    command  => "echo ${missing.shellquote} >&2; false",
    unless   => "getent group '${group}'",
    provider => shell,
    path     => '/usr/bin',
  }

  $paths = ["${stackstorm_host['configs']}/cicd.yaml"] + $stackstorm_host['secrets'].keys
  $folders = unique($paths.map |$path| { dirname($path) }) - ['/etc/cicd']
  file { $folders:
    ensure  => directory,
    owner   => 'root',
    group   => 'root',
    mode    => '0755',
    require => Exec['StackStorm is there'],
  }
  -> cicd::secrets { "What the pack's configuration names":
    files => $stackstorm_host['secrets'],
    owner => 'root',
    group => $group,
    mode  => '0640',
  }
  -> file { '/etc/cicd/known_hosts':
    source => "${files}/${cicd::site::all['ssh']['known_hosts_file']}",
    owner  => 'root',
    group  => 'root',
    mode   => '0644',
  }
  -> file { "${stackstorm_host['configs']}/cicd.yaml":
    source => "${files}/${stackstorm_host['config_file']}",
    owner  => 'root',
    group  => 'root',
    mode   => '0644',
  }
  ~> exec { "Register the pack's configuration":
    command     => $stackstorm_host['register'],
    path        => ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin'],
    refreshonly => true,
  }
}
