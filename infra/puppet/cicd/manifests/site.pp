# @summary The site's data, as this host reads them.
#
# @param data all of the site, as infra/site.schema.json describes it
# @param host the name of this host in it
class cicd::site (
  Cicd::Site $data = cicd::present_form(lookup('cicd')),
  String[1] $host = $facts['networking']['hostname'],
) {
  $own = $data['hosts'][$host] ? {
    undef   => fail("${host} is not a host of the site. Add it to `hosts` in the site's data."),
    default => $data['hosts'][$host],
  }
  # {host} and {address} stand for this host's.
  $all = cicd::own($data, { '{host}' => $host, '{address}' => $own['address'] })
  $files = $all['files']

  $has_tls = 'tls' in $all['consul']
  $has_tokens = 'tokens' in $all['consul']
  $authority = $has_tls ? { true => '/etc/consul.d/tls/ca.pem', default => '' }
  $consul_url = $has_tls ? {
    true    => "https://${all['consul']['listen']}:8501",
    default => "http://${all['consul']['listen']}:8500",
  }
}
