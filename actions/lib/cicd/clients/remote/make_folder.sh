# Make a folder that nobody else reads, and say where it is.
umask 077
exec mktemp -d
