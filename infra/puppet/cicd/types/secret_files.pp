# @summary Where each secret is on the host, and which of the site's files it is.
type Cicd::Secret_files = Hash[Cicd::Path, Cicd::File]
