# @summary A Debian package, in exactly the version that the site's data name.
#
# A file that was there before the package, or was edited, stays.
define cicd::package {
  include cicd::site

  $version = $cicd::site::all['versions'][$title]
  $wanted = $version ? { undef => $title, default => "${title}=${version}" }

  exec { "Lists that have ${wanted}":
    command  => 'apt-get update -q -o APT::Update::Error-Mode=any',
    # Of a name that another package mentions, apt-cache shows nothing and does not fail.
    unless   => "apt-cache show '${wanted}' | grep -q ^Package:",
    provider => shell,
    path     => ['/usr/bin'],
  }
  -> package { $title:
    ensure          => pick($version, 'installed'),
    install_options => ['--no-install-recommends', '-o', 'DPkg::Options::=--force-confdef', '-o', 'DPkg::Lock::Timeout=60'],
  }
}
