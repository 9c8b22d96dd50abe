# @summary What stands for the secret in a file, until the catalog is applied on the host that has it.
#
# @param file a path below the site's files
function cicd::secret(Cicd::File $file) >> Deferred {
  Deferred('cicd::read_secret', ["${cicd::site::files}/${file}"])
}
