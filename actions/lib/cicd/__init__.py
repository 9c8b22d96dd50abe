"""What the cicd pack knows and does, free of StackStorm."""
