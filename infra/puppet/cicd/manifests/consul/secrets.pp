# @summary What only Consul's user reads: the gossip key, the certificate's key, the agent's token.
#
# The secrets are read on this host while the catalog is applied; no catalog has them.
#
# @param consul what all agents of the site have in common
class cicd::consul::secrets (
  Cicd::Site::Consul $consul = $cicd::site::all['consul'],
) inherits cicd::site {
  $folder = '/etc/consul.d'
  $tls = {
    'verify_incoming_rpc'    => true,
    'verify_outgoing'        => true,
    'verify_server_hostname' => true,
    'ca_file'                => "${folder}/tls/ca.pem",
    'cert_file'              => "${folder}/tls/agent.pem",
    'key_file'               => "${folder}/tls/agent-key.pem",
    'ports'                  => { 'https' => 8501 },
  }
  $encrypted = $cicd::site::has_tls ? { true => $tls, default => {} }

  cicd::secret_json { "${folder}/encryption.json":
    content => { 'encrypt' => cicd::secret($consul['encrypt_file']) } + $encrypted,
  }

  if $cicd::site::has_tls {
    file {
      default:
        owner     => 'consul',
        group     => 'consul',
        mode      => '0644',
        show_diff => false;
      "${folder}/tls":
        ensure => directory,
        owner  => 'root',
        group  => 'root',
        mode   => '0755';
      $tls['ca_file']:
        source => "${cicd::site::files}/${consul['tls']['ca_file']}";
      $tls['cert_file']:
        source => "${cicd::site::files}/${consul['tls']['cert_file']}";
      $tls['key_file']:
        source => "${cicd::site::files}/${consul['tls']['key_file']}",
        mode   => '0600';
    }
  }

  if $cicd::site::has_tokens {
    $token = cicd::secret($consul['tokens']['agent_file'])
    # Whatever runs on an app host may ask its agent without a token, so that has no default one.
    $default = 'app_host' in $cicd::site::own['roles'] ? { true => {}, default => { 'default' => $token } }

    cicd::secret_json { "${folder}/acl.json":
      content => {
        'acl' => { 'enabled' => true, 'default_policy' => 'deny', 'tokens' => { 'agent' => $token } + $default },
      },
    }
  }
}
