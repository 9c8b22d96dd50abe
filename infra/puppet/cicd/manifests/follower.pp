# @summary A program that follows Consul: its package, settings, token and service, all of one name.
#
# @param settings its file of settings on this host
# @param template what that is made of
# @param token_file its token on this host
# @param token which of Consul's tokens that is, by its key in the site's data
# @param group who may read it, beside root
# @param mode the mode of it
define cicd::follower (
  Stdlib::Absolutepath $settings,
  String[1] $template,
  Stdlib::Absolutepath $token_file,
  String[1] $token,
  String[1] $group,
  Stdlib::Filemode $mode,
) {
  include cicd::site

  $named = $cicd::site::has_tokens ? { true => $token_file, default => '' }

  cicd::package { $title:
    require => Class['cicd::apt_source'],
  }
  -> file { $settings:
    content => epp($template, { 'token_file' => $named }),
    owner   => 'root',
    group   => 'root',
    mode    => '0644',
  }
  ~> service { $title:
    ensure => running,
    enable => true,
  }

  if $cicd::site::has_tokens {
    file { $token_file:
      source    => "${cicd::site::files}/${cicd::site::all['consul']['tokens'][$token]}",
      owner     => 'root',
      group     => $group,
      mode      => $mode,
      show_diff => false,
      require   => Cicd::Package[$title],
      notify    => Service[$title],
    }
  }
}
