# @summary The host of the status page, with its own copy of the pack's configuration.
#
# @param status_host which files are its configuration and its secrets
# @param pack_config_file the pack's configuration, which names the projects, below the site's files
class cicd::status_host (
  Cicd::Program_files $status_host = $cicd::site::all['status_host'],
  Cicd::File $pack_config_file = $cicd::site::all['stackstorm_host']['config_file'],
) inherits cicd::site {
  include cicd::consul
  require cicd::folder

  cicd::program { 'cicd-status':
    config      => '/etc/cicd/status/status.yaml',
    config_file => $status_host['config_file'],
    secrets     => $status_host['secrets'],
    owner       => 'root',
    mode        => '0640',
    reads_anew  => false,
  }

  # The page sees a change of it by itself.
  file { '/etc/cicd/status/cicd.yaml':
    source  => "${cicd::site::files}/${pack_config_file}",
    owner   => 'root',
    group   => 'root',
    mode    => '0644',
    require => Cicd::Package['cicd-status'],
    before  => Service['cicd-status'],
  }
}
