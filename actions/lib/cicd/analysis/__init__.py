"""Whether a canary is good: what is measured, by whom it is asked for, and what follows."""
