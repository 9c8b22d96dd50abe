"""What sensors are made from."""
