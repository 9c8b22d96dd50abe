# @summary All of a site, as infra/site.schema.json describes it.
type Cicd::Site = Struct[{
  files           => Cicd::Path,
  packages        => Cicd::File,
  versions        => Hash[Cicd::Package_name, Pattern[/\A[0-9][A-Za-z0-9.+:~-]*\z/]],
  ssh             => Cicd::Site::Ssh,
  repository      => Cicd::Site::Repository,
  consul          => Cicd::Site::Consul,
  projects        => Hash[Cicd::Word, Cicd::Project, 1],
  app_host        => Struct[{ settings => Cicd::Settings }],
  build_host      => Cicd::Site::Build_host,
  repository_host => Cicd::Site::Repository_host,
  load_balancer   => Cicd::Site::Load_balancer,
  stackstorm_host => Cicd::Site::Stackstorm_host,
  gateway_host    => Cicd::Program_files,
  status_host     => Cicd::Program_files,
  hosts           => Hash[Cicd::Word, Cicd::Host, 1],
}]
