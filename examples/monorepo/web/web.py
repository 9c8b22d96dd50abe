"""The shop's page."""

import server


def page():
    """Return the page."""
    return "<!doctype html><title>Shop</title><h1>Cups and plates</h1>\n"


if __name__ == "__main__":
    server.serve({"/": page})
