"""The greeter's own tests; CI runs them by script/cibuild."""

import json
import threading
import unittest
from urllib.error import HTTPError
from urllib.request import urlopen

import greeter


class GreeterTest(unittest.TestCase):
    """One server on a free port."""

    def setUp(self):
        self.server = greeter.Server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def tearDown(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def get(self, path):
        with urlopen(f"http://127.0.0.1:{self.server.server_port}{path}", timeout=5) as answer:
            return answer.read().decode()

    def test_the_page_greets(self):
        self.assertIn("<h1>Hello</h1>", self.get("/"))

    def test_the_version_names_project_commit_and_host(self):
        self.assertEqual({"project", "version", "commit", "host"}, set(json.loads(self.get("/version"))))

    def test_a_running_server_is_healthy(self):
        self.assertEqual("ok", self.get("/health"))

    def test_a_stopping_server_asks_to_be_left_alone(self):
        self.server.stopping = True
        with self.assertRaises(HTTPError) as refusal:
            self.get("/health")
        self.addCleanup(refusal.exception.close)
        self.assertEqual(503, refusal.exception.code)

    def test_an_unknown_path_is_not_found(self):
        with self.assertRaises(HTTPError) as refusal:
            self.get("/nothing")
        self.addCleanup(refusal.exception.close)
        self.assertEqual(404, refusal.exception.code)


if __name__ == "__main__":
    unittest.main()
