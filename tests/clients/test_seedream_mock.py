"""The fixtures of seedream_mock.py, as a test suite uses them."""

import pytest
from openai import APIConnectionError, InternalServerError, OpenAI

pytest_plugins = ["seedream_mock"]

KITE = {"model": "doubao-seedream-4-0-250828", "prompt": "a kite"}


def generate(mock, retries=0):
    return OpenAI(base_url=mock.openai_url("ark"), api_key="sk-anything", max_retries=retries).images.generate(**KITE)


def test_a_request_is_verified_and_billed(seedream_mock):
    assert generate(seedream_mock).data[0].url.startswith("http")
    seedream_mock.verify({"provider": "ark", "body": {"prompt": "*kite*"}}, count=1)
    assert seedream_mock.ask("ledger")["images"] == 1
    with pytest.raises(AssertionError, match="prompt"):
        seedream_mock.verify({"body": {"prompt": "a boat"}})


def test_a_fault_is_of_one_session(seedream_mock):
    seedream_mock.verify({}, count=0)
    seedream_mock.faults("status=503 times=1; reset@before times=1")
    with pytest.raises(InternalServerError):
        generate(seedream_mock)
    with pytest.raises(APIConnectionError):
        generate(seedream_mock)
    generate(seedream_mock)
    with pytest.raises(ValueError, match="stats"):
        seedream_mock.faults("stats=503")
    # A lost response is billed, and so is the one that came.
    assert seedream_mock.ask("ledger")["images"] == 2
