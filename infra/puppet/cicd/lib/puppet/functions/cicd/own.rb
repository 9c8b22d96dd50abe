# frozen_string_literal: true

# Replaces words such as {host} in all text of a value by what they stand for.
Puppet::Functions.create_function(:'cicd::own') do
  dispatch :replace do
    param 'Data', :value
    param 'Hash[String, String]', :words
    return_type 'Data'
  end

  def replace(value, words)
    case value
    when Hash then value.transform_values { |one| replace(one, words) }
    when Array then value.map { |one| replace(one, words) }
    when String then words.reduce(value) { |text, (word, meaning)| text.gsub(word) { meaning } }
    else value
    end
  end
end
