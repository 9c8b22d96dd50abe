"""Debian packages of our own programs, made by dpkg-deb alone."""
