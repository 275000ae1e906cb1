"""A guide to the mock for tests in Python; the standard library is all it needs.

    python3 guide.py seedream mock serve

Start, generate, poll a task, receive a callback, break the network, move the clock, assert on what was paid. `ask` stands
for the client that you test: give yours the same base URL and any key. Every test has a session of its own, so they could
run at the same time.
"""

import http.client
import http.server
import json
import subprocess
import sys
import threading
import unittest
import urllib.error
import urllib.request

SERVE = sys.argv[1:] or ["seedream", "mock", "serve"]


def ask(url, body=None):
    """One request: a POST of JSON where there is a body."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": "Bearer any-key", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=30) as answer:
        return json.load(answer)


class Guide(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Start: the first line of its output says where everything is.
        cls.mock = subprocess.Popen(SERVE, stdout=subprocess.PIPE, text=True)
        ready = json.loads(cls.mock.stdout.readline())
        cls.root, cls.admin = ready["url"], ready["admin"]

    @classmethod
    def tearDownClass(cls):
        cls.mock.terminate()
        cls.mock.wait(timeout=10)
        cls.mock.stdout.close()

    def setUp(self):
        # A session of its own: tasks, journal, ledger, faults, settings and clock.
        self.session = self._testMethodName
        self.evolink = f"{self.root}/s/{self.session}/evolink/v1"
        self.ark = f"{self.root}/s/{self.session}/ark/api/v3"

    def admin_route(self, route, body=None):
        return ask(f"{self.admin}/{route}?session={self.session}", body)

    def kite(self, **more):
        return {"model": "doubao-seedream-4-0-250828", "prompt": "a kite", **more}

    def task(self, **more):
        body = {"model": "doubao-seedream-4.5", "prompt": "two views of a kite", "n": 2, **more}
        return f"{self.evolink}/tasks/" + ask(f"{self.evolink}/images/generations", body)["id"]

    def test_generate(self):
        made = ask(f"{self.ark}/images/generations", self.kite(size="2048x2048"))
        with urllib.request.urlopen(made["data"][0]["url"]) as image:
            self.assertEqual(image.read(2), b"\xff\xd8", "a real JPEG")

    def test_poll_a_task(self):
        task = self.task()
        states = [ask(task)["status"] for _ in range(3)]
        self.assertEqual(states, ["pending", "processing", "completed"])
        self.assertEqual(len(ask(task)["results"]), 2)

    def test_receive_a_callback(self):
        told = []

        class Receiver(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                told.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        with http.server.HTTPServer(("127.0.0.1", 0), Receiver) as receiver:
            threading.Thread(target=receiver.handle_request).start()
            task = self.task(callback_url=f"http://127.0.0.1:{receiver.server_port}/hook")
            self.admin_route("tasks", {"id": task.rsplit("/", 1)[1], "status": "completed"})
            # No sleeping: the mock answers once its receiver has answered.
            told_of = self.admin_route("wait", {"match": {"kind": "callback", "status": 204}, "timeout": "30s"})
        self.assertTrue(told_of["satisfied"], told_of)
        self.assertEqual(told[0]["status"], "completed")

    def test_break_the_network(self):
        self.admin_route("faults", "reset@body:10 times=1; status=429 retry-after=7 times=1")
        with self.assertRaises((ConnectionResetError, http.client.IncompleteRead, urllib.error.URLError)):
            ask(f"{self.ark}/images/generations", self.kite())
        with self.assertRaises(urllib.error.HTTPError) as refused:
            ask(f"{self.ark}/images/generations", self.kite())
        self.assertEqual((refused.exception.code, refused.exception.headers["retry-after"]), (429, "7"))
        refused.exception.close()
        ask(f"{self.ark}/images/generations", self.kite())

    def test_move_the_clock(self):
        self.admin_route("settings", {"task": "time=1h"})
        task = self.task()
        self.assertEqual(ask(task)["status"], "pending")
        self.admin_route("clock", {"advance": "1h"})
        done = ask(task)
        self.assertEqual(done["status"], "completed")
        self.admin_route("clock", {"advance": "25h"})
        with self.assertRaises(urllib.error.HTTPError) as expired:
            urllib.request.urlopen(done["results"][0])
        self.assertEqual(expired.exception.code, 403)
        expired.exception.close()

    def test_what_was_paid(self):
        # A client that retries a lost answer pays twice, and a test sees it.
        self.admin_route("faults", "reset@body:10 times=1")
        for _ in range(2):
            try:
                ask(f"{self.ark}/images/generations", self.kite())
            except (OSError, http.client.HTTPException):
                pass
        ledger = self.admin_route("ledger")
        self.assertEqual(ledger["images"], 2)
        self.assertEqual([bill["answered"] for bill in ledger["entries"]], [False, True])
        wanted = {"match": {"method": "POST", "body": {"prompt": "a kite"}}, "count": 2}
        self.assertTrue(self.admin_route("verify", wanted)["satisfied"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
