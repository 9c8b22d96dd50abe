"""What can go wrong on a load balancer's host, in a sentence each."""


class TrafficError(Exception):
    """Something that a person has to correct, or that ends by itself; its text says what and where."""
