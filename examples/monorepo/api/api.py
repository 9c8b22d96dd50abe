"""The API: which products there are."""

import json

import server

PRODUCTS = [{"name": "cup", "price": 4}, {"name": "plate", "price": 7}]


def products():
    """Return every product as JSON."""
    return json.dumps(PRODUCTS)


if __name__ == "__main__":
    server.serve({"/products": products})
