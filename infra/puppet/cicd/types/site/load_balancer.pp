# @summary What load balancers listen to, and how a request finds its hosts.
type Cicd::Site::Load_balancer = Struct[{
  bind          => Pattern[/\A[0-9.*]*:[0-9]{1,5}\z/],
  'default'     => Cicd::Word,
  cookie        => Cicd::Word,
  canary_header => Cicd::Word,
}]
