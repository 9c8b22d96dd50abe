"""The application's answers."""

import unittest

from app import app


class Answers(unittest.TestCase):
    def setUp(self):
        self.client = app.test_client()

    def test_it_greets_and_escapes_who_is_greeted(self):
        self.assertEqual(self.client.get("/hello/<b>").text, "Hello, &lt;b&gt;!\n")

    def test_it_is_healthy(self):
        self.assertEqual(self.client.get("/health").status_code, 200)


if __name__ == "__main__":
    unittest.main()
