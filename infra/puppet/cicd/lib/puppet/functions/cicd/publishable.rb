# frozen_string_literal: true

require 'digest'

# The folder of packages as it is; fails where one has the name and version of a published one, and other bytes, since
# hosts would keep those without a word. Deferred, it looks before anything is changed.
Puppet::Functions.create_function(:'cicd::publishable') do
  dispatch :check do
    param 'String[1]', :folder
    param 'String[1]', :indexes
    return_type 'String'
  end

  def check(folder, indexes)
    known = published(indexes).to_h { |package| [file_name(package), package] }
    refused = Dir.glob('*.deb', base: folder).sort.filter_map do |name|
      package = known[name]
      next if package.nil? || package['SHA256'] == Digest::SHA256.file(File.join(folder, name)).hexdigest

      refusal(File.join(File.basename(folder), name), package)
    end
    raise Puppet::Error, refused.join(' ') unless refused.empty?

    folder
  end

  def published(indexes)
    Dir.glob(File.join(indexes, 'binary-*', 'Packages')).flat_map do |index|
      paragraphs = File.read(index, encoding: 'UTF-8').split("\n\n")
      paragraphs.map { |paragraph| paragraph.scan(%r{^([A-Za-z0-9-]+): (.*)$}).to_h }.reject(&:empty?)
    end
  end

  # An epoch is in no name.
  def file_name(package)
    "#{package['Package']}_#{package['Version'].sub(%r{\A\d+:}, '')}_#{package['Architecture']}.deb"
  end

  def refusal(file, package)
    "#{file} is not the #{package['Package']} #{package['Version']} that this repository publishes, " \
      'but has its name and version. Hosts would keep what they have. ' \
      'Give it a higher version (build it from a release), ' \
      "or remove #{package['Version']} from the repository first: docs/machines.md says how."
  end
end
