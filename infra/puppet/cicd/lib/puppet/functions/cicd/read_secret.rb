# frozen_string_literal: true

# Reads a secret of this host: what its file says, without the end of the last line.
Puppet::Functions.create_function(:'cicd::read_secret') do
  dispatch :read do
    # An agent has the functions of its server's modules, but not their types.
    param 'String[1]', :path
    return_type 'String'
  end

  def read(path)
    File.read(path, encoding: 'UTF-8').chomp
  rescue SystemCallError => e
    raise Puppet::Error, "The secret #{path} cannot be read (#{e.class.name.split('::').last}). Put it there, readable by root."
  end
end
