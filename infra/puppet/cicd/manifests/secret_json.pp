# @summary A JSON file with secrets in it, for Consul's user alone.
#
# @param content what is in it; what cicd::secret returned stands for the secrets
# @param mode the file's mode
define cicd::secret_json (
  Hash $content,
  Stdlib::Filemode $mode = '0600',
) {
  file { $title:
    content   => Deferred('cicd::to_secret_json', [$content]),
    owner     => 'consul',
    group     => 'consul',
    mode      => $mode,
    show_diff => false,
  }
}
