"""What is kept in Consul: releases, locks, archives; read and changed by compare-and-set."""
