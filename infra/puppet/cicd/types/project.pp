# @summary What hosts and load balancers know of a project.
type Cicd::Project = Struct[{
  service               => Cicd::Word,
  tag                   => Cicd::Tag,
  Optional[canary_tag]  => Cicd::Tag,
  Optional[stable_tag]  => Cicd::Tag,
  Optional[rings]       => Hash[Cicd::Word, Cicd::Tag, 1],
  port                  => Integer[1, 65535],
  health                => Pattern[/\A\/[A-Za-z0-9._~\/-]*\z/],
  Optional[unit]        => Pattern[/\A[A-Za-z0-9][A-Za-z0-9:_.@+-]*[.]service\z/],
  Optional[settings]    => Cicd::Settings,
  Optional[environment] => Cicd::Environment,
}]
