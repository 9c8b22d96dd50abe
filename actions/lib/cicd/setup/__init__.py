"""Whether everything that the pack needs is there and answers."""
