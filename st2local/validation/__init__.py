"""What is wrong with a pack, said without running it."""
