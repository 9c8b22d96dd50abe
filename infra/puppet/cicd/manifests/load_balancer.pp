# @summary HAProxy, which cicd-render configures by what Consul knows, and cicd-traffic, which sends each canary its share.
#
# @param load_balancer what it listens to, and how a request finds its hosts
class cicd::load_balancer (
  Cicd::Site::Load_balancer $load_balancer = $cicd::site::all['load_balancer'],
) inherits cicd::site {
  include cicd::consul
  require cicd::folder

  # cicd-traffic brings HAProxy and the map of shares, cicd-render writes haproxy.cfg.
  cicd::follower { 'cicd-traffic':
    settings   => '/etc/cicd/traffic.conf',
    template   => 'cicd/traffic.conf.epp',
    token_file => '/etc/cicd/traffic.token',
    token      => 'traffic_file',
    group      => 'cicd-traffic',
    mode       => '0640',
  }
  -> cicd::follower { 'cicd-render':
    settings   => '/etc/cicd/render.conf',
    template   => 'cicd/render.conf.epp',
    token_file => '/etc/cicd/render.token',
    token      => 'render_file',
    group      => 'root',
    mode       => '0600',
  }

  # It reads this by itself.
  file { '/etc/cicd/render.d/haproxy.yaml':
    content => epp('cicd/haproxy.yaml.epp', { 'load_balancer' => $load_balancer }),
    owner   => 'root',
    group   => 'root',
    mode    => '0644',
    require => Cicd::Package['cicd-render'],
  }

  # It starts once there is a project: without any it would have nothing to listen for.
  service { 'haproxy':
    enable  => true,
    require => Cicd::Package['cicd-traffic'],
  }
}
