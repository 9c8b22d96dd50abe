"""What a pack holds: its metadata files, read, checked and registered."""
