# @summary The folder of all settings.
class cicd::folder {
  file { '/etc/cicd':
    ensure => directory,
    owner  => 'root',
    group  => 'root',
    mode   => '0755',
  }
}
