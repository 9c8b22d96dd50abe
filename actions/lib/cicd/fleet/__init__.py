"""The hosts of a ring: brought to a version batch by batch, and watched for drift."""
