# @summary The host of the gateway, through which GitHub and Jenkins reach StackStorm.
#
# @param gateway_host which files are its configuration and its secrets
class cicd::gateway_host (
  Cicd::Program_files $gateway_host = $cicd::site::all['gateway_host'],
) inherits cicd::site {
  include cicd::consul
  require cicd::folder

  cicd::program { 'cicd-gateway':
    config      => '/etc/cicd/gateway/gateway.yaml',
    config_file => $gateway_host['config_file'],
    secrets     => $gateway_host['secrets'],
    owner       => 'cicd-gateway',
    mode        => '0400',
    reads_anew  => true,
  }
}
