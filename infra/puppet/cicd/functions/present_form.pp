# @summary The site's data as they are; fails with what to do where they have the form of an older release.
#
# @param data all of the site
function cicd::present_form(Hash $data) >> Hash {
  $moved = {
    'gateway'     => 'gateway_host',
    'status_page' => 'status_host',
  }
  $inside = pick($data['stackstorm_host'], {})
  $moved.each |$old, $role| {
    if $old in $inside {
      fail("The site's data are wrong at stackstorm_host.${old}: it is the section ${role} now. Move it there, and add ${role} to `roles` of the host that is to run it; docs/machines.md has both.")
    }
  }
  $data
}
