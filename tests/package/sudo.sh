#!/bin/sh
# In the place of sudo: root may run anything.
[ "$2" != -l ] || exit 0
shift
exec "$@"
