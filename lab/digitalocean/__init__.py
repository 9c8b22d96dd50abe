"""The lab's stand-in for DigitalOcean: its API, and machines that really boot behind it."""
