"""What can go wrong on a host that follows Consul, in a sentence each."""


class FollowError(Exception):
    """Something that a person has to correct, or that ends by itself; its text says what and where."""
