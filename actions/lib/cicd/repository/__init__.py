"""The signed APT repository: what is published, found there, kept and removed."""
