# @summary The team's own APT repository, and the key that signs it.
#
# @param repository where it is
class cicd::apt_source (
  Cicd::Site::Repository $repository = $cicd::site::all['repository'],
) inherits cicd::site {
  $keyring = '/usr/share/keyrings/cicd.asc'
  $place = "${repository['url']} ${repository['distribution']} ${repository['component']}"

  file { $keyring:
    source => "${cicd::site::files}/${repository['public_key_file']}",
    owner  => 'root',
    group  => 'root',
    mode   => '0644',
  }
  -> file { '/etc/apt/sources.list.d/cicd.list':
    content => "deb [signed-by=${keyring}] ${place}\n",
    owner   => 'root',
    group   => 'root',
    mode    => '0644',
  }
}
