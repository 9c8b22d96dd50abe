# @summary The host of the signed APT repository: aptly makes it, nginx serves it.
#
# @param repository_host where it is kept, and who signs it
# @param repository how others see it
class cicd::repository_host (
  Cicd::Site::Repository_host $repository_host = $cicd::site::all['repository_host'],
  Cicd::Site::Repository $repository = $cicd::site::all['repository'],
) inherits cicd::site {
  include cicd::consul
  require cicd::folder
  require cicd::login

  $folder = $repository_host['folder']
  $key = $repository_host['signing_key']
  $as_cicd = '/usr/sbin/runuser -u cicd -- /usr/bin/env HOME=/home/cicd'
  $indexes = "${folder}/aptly/public/dists/${repository['distribution']}/${repository['component']}"
  $publish = '/usr/local/lib/cicd/publish-site'

  cicd::package { ['aptly', 'gpg', 'gpg-agent', 'nginx-light']: }

  file {
    default:
      ensure => directory,
      owner  => 'cicd',
      group  => 'cicd',
      mode   => '0755';
    [$folder, "${folder}/aptly"]:;
    "${folder}/packages":
      source  => Deferred('cicd::publishable', ["${cicd::site::files}/${cicd::site::all['packages']}", $indexes]),
      recurse => remote;
  }

  file {
    default:
      owner => 'root',
      group => 'root',
      mode  => '0644';
    '/usr/local/lib/cicd':
      ensure => directory,
      mode   => '0755';
    '/etc/cicd/aptly.conf':
      content => to_json_pretty({
        'rootDir'       => "${folder}/aptly",
        'architectures' => $repository['architectures'],
        'gpgProvider'   => 'gpg',
      });
    $publish:
      source => 'puppet:///modules/cicd/publish.sh',
      mode   => '0755';
  }

  # root alone reads the file, so it opens it.
  exec { 'The key that signs':
    command  => "${as_cicd} gpg --batch --import <'${cicd::site::files}/${repository_host['signing_key_file']}'",
    unless   => "${as_cicd} gpg --batch --list-secret-keys '${key}'",
    provider => shell,
    path     => ['/usr/sbin', '/usr/bin'],
    cwd      => '/',
    require  => Cicd::Package['aptly', 'gpg', 'gpg-agent'],
  }

  $arguments = [
    $repository_host['name'], "${folder}/packages", $key,
    $repository['distribution'], $repository['component'], $repository['architectures'].join(','),
  ].shellquote
  exec { 'The packages of the site, signed':
    command  => "${as_cicd} sh ${publish} ${arguments}",
    unless   => "${as_cicd} sh ${publish} ${arguments} --check",
    provider => shell,
    path     => ['/usr/sbin', '/usr/bin'],
    cwd      => '/',
    timeout  => 900,
    require  => [Exec['The key that signs'], File[$folder, "${folder}/aptly", "${folder}/packages", $publish, '/etc/cicd/aptly.conf']],
  }

  file {
    default:
      owner   => 'root',
      group   => 'root',
      require => Cicd::Package['nginx-light'],
      notify  => Service['nginx'];
    '/etc/nginx/conf.d/cicd-apt.conf':
      content => epp('cicd/nginx.conf.epp', { 'listen' => $repository_host['listen'], 'folder' => $folder }),
      mode    => '0644';
    '/etc/nginx/sites-enabled/default':
      ensure => absent;
  }

  service { 'nginx':
    ensure  => running,
    enable  => true,
    restart => '/usr/bin/systemctl reload nginx',
  }

  # Its own packages come from here, too.
  Exec['The packages of the site, signed'] -> Class['cicd::apt_source']
  Service['nginx'] -> Class['cicd::apt_source']

  cicd::consul_service { 'repository_host':
    service => {
      'id'      => $repository_host['service'],
      'name'    => $repository_host['service'],
      'tags'    => $repository_host['tags'],
      'address' => $cicd::site::own['address'],
    },
  }
}
