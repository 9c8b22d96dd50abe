# frozen_string_literal: true

require 'json'

# Writes a value with secrets as JSON that no log shows.
Puppet::Functions.create_function(:'cicd::to_secret_json') do
  dispatch :write do
    param 'Hash', :value
    return_type 'Sensitive[String]'
  end

  def write(value)
    Puppet::Pops::Types::PSensitiveType::Sensitive.new("#{JSON.pretty_generate(value)}\n")
  end
end
