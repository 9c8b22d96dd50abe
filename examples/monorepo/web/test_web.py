import unittest

import web


class Page(unittest.TestCase):
    def test_the_page_has_a_title(self):
        self.assertIn("<title>Shop</title>", web.page())
