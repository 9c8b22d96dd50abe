# @summary A host that runs projects: cicd-converge, and what it knows of each.
#
# Which version of a project it runs is Consul's alone.
#
# @param settings further settings of cicd-converge
# @param projects in which ring this host is of each project
class cicd::app_host (
  Cicd::Settings $settings = $cicd::site::all['app_host']['settings'],
  Hash[Cicd::Word, Cicd::Word] $projects = pick($cicd::site::own['projects'], {}),
) inherits cicd::site {
  include cicd::consul
  require cicd::folder
  require cicd::login

  $token_file = $cicd::site::has_tokens ? { true => '/etc/cicd/consul.token', default => '' }
  $watches = $projects.keys.map |$project| { Service["cicd-converge-watch@${project}"] }

  # The package enables the watch of each project whose file is there, so files come first.
  file {
    default:
      owner  => 'root',
      group  => 'root',
      before => Cicd::Package['cicd-converge'];
    '/etc/cicd/projects':
      ensure => directory,
      mode   => '0755';
    '/etc/cicd/converge.conf':
      content => epp('cicd/converge.conf.epp', { 'token_file' => $token_file, 'settings' => $settings }),
      mode    => '0644',
      notify  => $watches;
  }

  if $cicd::site::has_tokens {
    file { $token_file:
      source    => "${cicd::site::files}/${cicd::site::all['consul']['tokens']['converge_file']}",
      owner     => 'root',
      group     => 'root',
      mode      => '0600',
      show_diff => false,
      before    => Cicd::Package['cicd-converge'],
      notify    => $watches,
    }
  }

  $projects.each |$project, $ring| {
    cicd::app_project { $project:
      project => $cicd::site::all['projects'][$project],
      ring    => $ring,
      before  => Cicd::Package['cicd-converge'],
    }
    service { "cicd-converge-watch@${project}":
      ensure  => running,
      enable  => true,
      require => [Cicd::Package['cicd-converge'], Service['consul']],
    }
  }

  cicd::package { 'cicd-converge':
    require => Class['cicd::apt_source'],
  }
  -> service { 'cicd-converge.timer':
    ensure => running,
    enable => true,
  }
}
