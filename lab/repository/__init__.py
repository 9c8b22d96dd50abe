"""The signed APT repository and what publishes it."""
