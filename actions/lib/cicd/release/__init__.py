"""What a release is, and what may become of it. Pure."""
