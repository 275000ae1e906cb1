"""Fixtures for pytest: one mock for the run, and a session of it for each test. Copy this file beside your tests and write

    pytest_plugins = ["seedream_mock"]

into conftest.py. It needs the program `seedream` in PATH, or its place in SEEDREAM.
"""

import json
import os
import subprocess
import urllib.error
import urllib.request
import uuid

import pytest


class Mock:
    """One session: its own requests, faults, clock, tasks and bill."""

    def __init__(self, ready):
        self.ready, self.session = ready, uuid.uuid4().hex

    def url(self, provider):
        """The base URL that a client of this provider configures; any key will do."""
        return self.ready["providers"][provider].replace(self.ready["url"], f"{self.ready['url']}/s/{self.session}")

    def openai_url(self, provider):
        """The base URL for an SDK of OpenAI, which ends with the version. evolink has none: its images come by tasks."""
        return self.ready["openai"][provider].replace(self.ready["url"], f"{self.ready['url']}/s/{self.session}")

    def ask(self, route, body=None):
        """An admin route, such as `journal` or `ledger`; with a body it is a POST."""
        data = body if body is None or isinstance(body, str) else json.dumps(body)
        url = f"{self.ready['admin']}/{route}?session={self.session}"
        try:
            with urllib.request.urlopen(url, data and data.encode()) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise ValueError(json.load(error)["error"]["message"]) from None

    def faults(self, text):
        """Adds faults: `status=503 times=2; image=corrupt`."""
        return self.ask("faults", text)

    def verify(self, match, **count):
        """Asserts how many requests match: `verify({"body": {"n": 2}}, count=1)`; also `at_least`, `at_most`."""
        verdict = self.ask("verify", {"match": match, **count})
        assert verdict["satisfied"], json.dumps(verdict["nearest"], indent=2)


@pytest.fixture(scope="session")
def seedream_mock_process():
    command = [os.environ.get("SEEDREAM", "seedream"), "mock", "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        yield json.loads(process.stdout.readline())
        process.terminate()


@pytest.fixture
def seedream_mock(seedream_mock_process):
    return Mock(seedream_mock_process)
