# Say for which architectures this host builds: its own, and those that dpkg was told of.
set -eu
dpkg --print-architecture
dpkg --print-foreign-architectures
