"""Has no action."""
