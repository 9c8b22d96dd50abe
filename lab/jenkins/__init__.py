"""A Jenkins stand-in: its remote API, real builds, the Notification plugin's callbacks."""
