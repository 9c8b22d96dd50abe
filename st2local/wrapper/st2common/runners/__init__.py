"""What actions are made from."""
