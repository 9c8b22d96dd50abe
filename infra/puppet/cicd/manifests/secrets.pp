# @summary Secrets, each in a file; no log shows them.
#
# @param files where each is on this host, and which of the site's files it is
# @param owner whose they are
# @param group who may read them as well
# @param mode the mode of each
define cicd::secrets (
  Cicd::Secret_files $files,
  String[1] $owner,
  String[1] $group,
  Stdlib::Filemode $mode,
) {
  $files.each |$path, $file| {
    file { $path:
      source    => "${cicd::site::files}/${file}",
      owner     => $owner,
      group     => $group,
      mode      => $mode,
      show_diff => false,
    }
  }
}
