# @summary The gateway or the status page: its package, configuration, secrets and service, all of one name.
#
# @param config where its configuration is on this host
# @param config_file which of the site's files that is
# @param secrets the files that it reads
# @param owner whose these are
# @param mode the mode of each
# @param reads_anew whether a reload is enough for a changed secret
define cicd::program (
  Stdlib::Absolutepath $config,
  Cicd::File $config_file,
  Cicd::Secret_files $secrets,
  String[1] $owner,
  Stdlib::Filemode $mode,
  Boolean $reads_anew,
) {
  cicd::package { $title:
    require => Class['cicd::apt_source'],
  }
  -> cicd::secrets { $title:
    files => $secrets,
    owner => $owner,
    group => $title,
    mode  => $mode,
  }
  -> file { $config:
    source => "${cicd::site::files}/${config_file}",
    owner  => 'root',
    group  => 'root',
    mode   => '0644',
  }
  ~> service { $title:
    ensure => running,
    enable => true,
  }

  if $reads_anew {
    Cicd::Secrets[$title]
    ~> exec { "Reload ${title}":
      command     => "/usr/bin/systemctl reload ${title}",
      onlyif      => "/usr/bin/systemctl is-active --quiet ${title}",
      refreshonly => true,
    }
    -> Service[$title]
  } else {
    Cicd::Secrets[$title] ~> Service[$title]
  }
}
