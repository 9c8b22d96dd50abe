# frozen_string_literal: true

require 'net/http'
require 'openssl'
require 'yaml'

# Hiera's data from Consul's KV: the value of a key is what its YAML, or JSON, says.
#
# The level in hiera.yaml says by `uri` where the keys are, such as http://127.0.0.1:8500/v1/kv/puppet. Its options:
#   required    keys that must be there: a lookup of one fails when it is not, or when Consul does not answer.
#               Without Consul's answer, a value from elsewhere or a default counts for any other key, with a warning.
#   token_file  the file with Consul's token
#   ca_file     with https: the file with the certificate of whoever signed the agent's
Puppet::Functions.create_function(:'cicd::consul_kv') do
  dispatch :look_up do
    param 'String[1]', :key
    param 'Struct[{uri => Pattern[/\Ahttps?:/], Optional[required] => Array[String[1]], ' \
          'Optional[token_file] => String[1], Optional[ca_file] => String[1]}]', :options
    param 'Puppet::LookupContext', :context
  end

  def look_up(key, options, context)
    return context.not_found if key == 'lookup_options'

    found = context.cache_has_key(key) ? context.cached_value(key) : context.cache(key, value(key, options))
    found.nil? ? context.not_found : found
  end

  # What Consul says of the key; nil when it says nothing and need not.
  def value(key, options)
    is_required = options.fetch('required', []).include?(key)
    found = ask(URI("#{options['uri']}/#{key}?raw"), options)
    refuse("Consul has no key #{key} at #{options['uri']}. Put it there.") if found.nil? && is_required
    found && YAML.safe_load(found)
  rescue SystemCallError, SocketError, IOError, Timeout::Error, OpenSSL::SSL::SSLError, Net::ProtocolError, Psych::SyntaxError => e
    problem = "Consul at #{options['uri']} does not say what #{key} is (#{e.message})."
    refuse("#{problem} Correct that first: any default would be a guess.") if is_required
    Puppet.warn_once('cicd', options['uri'], "#{problem} What is said elsewhere counts.")
    nil
  end

  def ask(uri, options)
    headers = options['token_file'] ? { 'X-Consul-Token' => File.read(options['token_file']).chomp } : {}
    answer = connect(uri, options) { |consul| consul.get(uri.request_uri, headers) }
    return nil if answer.is_a?(Net::HTTPNotFound)

    answer.value # which raises what is no success
    answer.body
  end

  def connect(uri, options, &block)
    seconds = { open_timeout: 5, read_timeout: 5 }
    Net::HTTP.start(uri.host, uri.port, use_ssl: uri.scheme == 'https', ca_file: options['ca_file'], **seconds, &block)
  end

  def refuse(sentence)
    raise Puppet::DataBinding::LookupError, sentence
  end
end
