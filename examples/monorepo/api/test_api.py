import json
import unittest

import api


class Products(unittest.TestCase):
    def test_every_product_has_a_price(self):
        self.assertTrue(all(one["price"] > 0 for one in json.loads(api.products())))
