# @summary What the site's data say that this host is.
class cicd {
  include cicd::site

  $cicd::site::own['roles'].each |String $role| {
    include "cicd::${role}"
  }
}
