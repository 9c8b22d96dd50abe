# Compiles the catalogs of hosts without a look at this machine, and prints them as JSON, by host.
require 'json'
require 'puppet'
require 'puppet_pal'

folder, modules, hiera, *hosts = ARGV
Puppet.initialize_settings(["--confdir=#{folder}/conf", "--vardir=#{folder}/var"])
Puppet[:hiera_config] = hiera
catalogs = hosts.to_h do |host|
  facts = { 'networking' => { 'hostname' => host } }
  text = Puppet::Pal.in_tmp_environment('site', modulepath: modules.split(':'), facts: facts) do |site|
    site.with_catalog_compiler do |compiler|
      compiler.evaluate_string('include cicd')
      compiler.compile_additions
      compiler.with_json_encoding(&:encode)
    end
  end
  [host, JSON.parse(text)]
end
puts JSON.generate(catalogs)
