"""What people and GitHub are shown."""
