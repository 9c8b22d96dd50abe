# @summary The user as whom StackStorm logs in.
#
# @param public_key_file StackStorm's public key, below the site's files
class cicd::login (
  Cicd::File $public_key_file = $cicd::site::all['ssh']['public_key_file'],
) inherits cicd::site {
  user { 'cicd':
    ensure     => present,
    system     => true,
    home       => '/home/cicd',
    managehome => true,
    shell      => '/bin/sh',
    password   => '*',
  }
  -> file { '/home/cicd/.ssh':
    ensure => directory,
    owner  => 'cicd',
    group  => 'cicd',
    mode   => '0700',
  }
  -> file { '/home/cicd/.ssh/authorized_keys':
    source => "${cicd::site::files}/${public_key_file}",
    owner  => 'cicd',
    group  => 'cicd',
    mode   => '0600',
  }
}
