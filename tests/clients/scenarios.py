"""What clients written in Python do when only their base URL and their key are changed.

One line per scenario, as judge.py reads it. Where a client loses an image that was paid for, that is asserted too: it does
the same to the real providers. Clients of one kind share their scenarios. A client whose package is not installed is skipped.
"""

import asyncio
import base64
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import time
import traceback
import urllib.error
import urllib.request
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from PIL import Image


def optional(module):
    """A module, or nothing where it is not installed: the clients that need it are skipped."""
    try:
        return import_module(module)
    except ModuleNotFoundError:
        return None


aiohttp, any_llm, litellm, openai = map(optional, ("aiohttp", "any_llm", "litellm", "openai"))

MOCK = os.environ["MOCK"]
PICTURES = os.environ["PICTURES"]
MODEL = "doubao-seedream-4-0-250828"
ONE = {"model": MODEL, "prompt": "a paper kite", "size": "1024x1024"}
THREE = {"model": MODEL, "prompt": "3 posters of a paper kite", "size": "1024x1024"}
GROUP = {"sequential_image_generation": "auto", "sequential_image_generation_options": {"max_images": 3}}
# The packages that each client needs; the first has its version.
PACKAGES = {
    "openai-python": ["openai"],
    "any-llm": ["any-llm-sdk", "openai"],
    "ark-sdk": ["volcengine-ark-runtime"],
    "ark-sdk-async": ["volcengine-ark-runtime"],
    "byteplus": ["byteplus-python-sdk-v2"],
    "litellm": ["litellm"],
    "seedream-mcp": ["seedream-mcp", "mcp", "aiohttp", "aiofiles", "loguru", "python-dotenv"],
    "aiohttp": ["aiohttp"],
    "urllib": [],
    "curl": [],
}
WITHHELD = "OutputImageSensitiveContentDetected"
MADE = "image_generation.partial_succeeded"
COMPLETED = "image_generation.completed"

scenarios = []


def scenario(clients, name, posts, billed, kept, **extra):
    """A scenario of one client, or of each of several, with what the judge shall find: attempts to buy, images billed,
    images kept."""

    def register(run):
        for client in [clients] if isinstance(clients, str) else clients:
            scenarios.append((client, name, posts, billed, kept, run, extra))
        return run

    return register


class Session:
    """A session of the mock, and where its images are kept for the judge."""

    def __init__(self, client, name):
        self.client = client
        self.name = f"{client}-{name}"
        self.kept = 0

    def base(self, path="ark/api/v3"):
        return f"{MOCK}/s/{self.name}/{path}"

    def keep(self, promised, picture, form="jpeg"):
        with open(f"{PICTURES}/{self.name}.{self.kept}.{promised}.{form}", "wb") as file:
            file.write(picture)
        self.kept += 1

    def download(self, promised, url, form="jpeg"):
        with urllib.request.urlopen(url) as answer:
            self.keep(promised, answer.read(), form)


def reference():
    """A reference image as a data URI."""
    file = BytesIO()
    Image.new("RGB", (64, 64), "red").save(file, "png")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def ledger(session):
    """The mock's bills of a session."""
    with urllib.request.urlopen(f"{MOCK}/__mock/v1/ledger?session={session.name}") as answer:
        return json.load(answer)["entries"]


def journal(session):
    """What the mock was asked in a session."""
    with urllib.request.urlopen(f"{MOCK}/__mock/v1/journal?session={session.name}") as answer:
        return json.load(answer)["entries"]


def raised(kind, call, *arguments, **members):
    """The error of exactly this class that a call ends with."""
    try:
        call(*arguments, **members)
    except kind as error:
        assert type(error) is kind, f"{type(error).__name__} instead of {kind.__name__}"
        return error
    raise AssertionError(f"no {kind.__name__}")


# openai-python, and any-llm, which takes the same arguments and raises the same errors

OPENAI = ["openai-python", "any-llm"]


def openai_images(session, key="sk-anything", path="ark/api/v3", **options):
    return openai.OpenAI(base_url=session.base(path), api_key=key, **options).images


def openai_generate(session, key="sk-anything", **members):
    if session.client == "any-llm":
        return any_llm.image_generation(provider="openai", api_base=session.base(), api_key=key, **members)
    return openai_images(session, key).generate(**members)


@scenario(OPENAI, "url", 1, 1, 1)
def _(session):
    answer = openai_generate(session, **ONE, response_format="url")
    session.download(answer.data[0].size, answer.data[0].url)
    assert answer.usage.output_tokens == 4096 and answer.usage.input_tokens is None
    return "a URL that opens; usage without input_tokens"


@scenario(OPENAI, "b64_json", 1, 1, 1)
def _(session):
    answer = openai_generate(session, **ONE, response_format="b64_json")
    session.keep(answer.data[0].size, base64.b64decode(answer.data[0].b64_json, validate=True))
    return "base64 without a prefix"


@scenario(OPENAI, "group", 1, 3, 3)
def _(session):
    answer = openai_generate(session, **THREE, extra_body={**GROUP, "watermark": False})
    for image in answer.data:
        session.download(image.size, image.url)
    return "extra_body reaches Ark"


@scenario(OPENAI, "group-withheld", 1, 2, 2)
def _(session):
    answer = openai_generate(session, "sk-mock-partial", **THREE, extra_body=GROUP)
    assert [image.url is None for image in answer.data] == [False, True, False]
    assert answer.data[1].error["code"] == WITHHELD and answer.usage.generated_images == 2
    for image in answer.data[0], answer.data[2]:
        session.download(image.size, image.url)
    return "drops nothing: the list of images contains an error item"


@scenario("openai-python", "stream", 1, 3, 3)
def _(session):
    events = list(openai_images(session).generate(**THREE, stream=True, extra_body=GROUP))
    assert [event.type for event in events] == [MADE] * 3 + [COMPLETED]
    for event in events[:3]:
        session.download(event.size, event.url)
    assert events[3].usage.total_tokens == 3 * 4096
    return "3 partial_succeeded, completed"


@scenario("openai-python", "stream-b64_json", 1, 1, 1)
def _(session):
    events = list(openai_images(session).generate(**ONE, stream=True, response_format="b64_json"))
    assert [event.type for event in events] == [MADE, COMPLETED]
    session.keep(events[0].size, base64.b64decode(events[0].b64_json, validate=True))
    return "1 partial_succeeded with base64, completed"


@scenario("openai-python", "stream-withheld", 1, 2, 1)
def _(session):
    events = iter(openai_images(session, "sk-mock-partial").generate(**THREE, stream=True, extra_body=GROUP))
    first = next(events)
    session.download(first.size, first.url)
    error = raised(openai.APIError, next, events)
    assert error.code == WITHHELD
    return "raises APIError at partial_failed: the third image, paid, is lost"


@scenario("openai-python", "tls", 0, 0, 1)
def _(session):
    # It has a mock of its own, of which the judge sees the image only.
    with TemporaryDirectory() as folder:
        file = f"{folder}/ca.pem"
        command = [os.environ["SEEDREAM"], "mock", "serve", "--tls", "--ca-file", file]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as mock:
            try:
                base = json.loads(mock.stdout.readline())["providers"]["ark"]
                client = {"base_url": base, "api_key": "sk-anything", "max_retries": 0}
                raised(openai.APIConnectionError, openai.OpenAI(**client).images.generate, **ONE)
                with patch.dict(os.environ, SSL_CERT_FILE=file):
                    image = openai.OpenAI(**client).images.generate(**ONE).data[0]
                with urllib.request.urlopen(image.url, context=ssl.create_default_context(cafile=file)) as answer:
                    session.keep(image.size, answer.read())
            finally:
                mock.terminate()
    return "trusts the file in SSL_CERT_FILE, and raises APIConnectionError without it"


@scenario(OPENAI, "400", 1, 0, 0)
def _(session):
    error = raised(openai.BadRequestError, openai_generate, session, **{**ONE, "size": "512x512"})
    assert error.code == "InvalidParameter" and "921600 pixels" in error.message and error.request_id in error.message
    return "BadRequestError, InvalidParameter"


@scenario(OPENAI, "401", 1, 0, 0)
def _(session):
    error = raised(openai.AuthenticationError, openai_generate, session, "sk-mock-401", **ONE)
    assert error.code == "AuthenticationError" and error.type == "Unauthorized"
    return "AuthenticationError"


@scenario(OPENAI, "429", 3, 0, 0)
def _(session):
    error = raised(openai.RateLimitError, openai_generate, session, "sk-mock-429", **ONE)
    assert error.code == "ModelAccountIpmRateLimitExceeded"
    return "RateLimitError after two retries"


@scenario(OPENAI, "lost", 3, 3, 0)
def _(session):
    raised(openai.APIConnectionError, openai_generate, session, "sk-mock-reset", **ONE)
    assert [bill["answered"] for bill in ledger(session)] == [False] * 3
    return "APIConnectionError after two retries: paid three times"


@scenario("openai-python", "timeout", 3, 3, 0)
def _(session):
    raised(openai.APITimeoutError, openai_images(session, "sk-mock-slow", timeout=0.5).generate, **ONE)
    return "APITimeoutError after two retries: gone each time, and paid three times"


@scenario(OPENAI, "references", 1, 1, 1)
def _(session):
    answer = openai_generate(session, **ONE, extra_body={"image": [reference(), reference()]})
    session.download(answer.data[0].size, answer.data[0].url)
    return "two references as data URIs"


@scenario("openai-python", "edit", 1, 0, 0)
def _(session):
    picture = base64.b64decode(reference().partition(",")[2])
    raised(openai.NotFoundError, openai_images(session).edit, **ONE, image=("a.png", picture, "image/png"))
    return "images.edit: NotFoundError, as Ark has no such route"


@scenario("openai-python", "models", 0, 0, 0)
def _(session):
    models = openai.OpenAI(base_url=session.base(), api_key="sk-anything").models.list().data
    assert models[0].id.startswith("doubao-seedream-") and models[0].owned_by is None, models
    return "models.list without owned_by"


@scenario("openai-python", "gogogotoken", 2, 2, 2)
def _(session):
    images = openai_images(session, path="gogogotoken/v1")
    answer = images.generate(model="doubao-seedream-4-5", prompt="a paper kite", size="2048x2048", n=2)
    for image in answer.data:
        session.download(image.size, image.url)
    error = raised(openai.BadRequestError, images.generate, model="doubao-seedream-4-5", prompt="a", size="1024x1024")
    assert error.type == "upstream_error" and error.code == "InvalidParameter"
    return "n=2; 400 with type upstream_error"


@scenario("openai-python", "aiearth", 1, 1, 1)
def _(session):
    images = openai_images(session, path="aiearth/v1")
    answer = images.generate(model="doubao-seedream-5-0-260128", prompt="a paper kite", size="2K", output_format="png")
    session.download(answer.data[0].size, answer.data[0].url, "png")
    return "2K as PNG"


@scenario("openai-python", "opeai", 1, 3, 3)
def _(session):
    images = openai_images(session, path="opeai/v1")
    answer = images.generate(model="doubao-seedream-4.5", prompt="3 posters of a paper kite", n=3)
    for image in answer.data:
        session.download(image.size, image.url)
    return "n=3 becomes a group"


@scenario("openai-python", "ark-relay", 1, 1, 1)
def _(session):
    answer = openai_images(session, path="ark/v1").generate(**ONE)
    session.download("1024x1024", answer.data[0].url)
    return "document 003: no sizes, usage of a chat"


# The official SDKs of Ark: Volcengine's, also asynchronous, and BytePlus's

ARKS = {
    "ark-sdk": ("volcenginesdkarkruntime", "Ark"),
    "ark-sdk-async": ("volcenginesdkarkruntime", "AsyncArk"),
    "byteplus": ("byteplussdkarkruntime", "Ark"),
}


def ark_module(session, name=""):
    return import_module(ARKS[session.client][0] + name)


def ark_error(session, name):
    return getattr(ark_module(session, "._exceptions"), name)


def ark_group(session):
    options = ark_module(session, ".types.images").SequentialImageGenerationOptions(max_images=3)
    return {"sequential_image_generation": "auto", "sequential_image_generation_options": options}


def ark_generate(session, key="sk-anything", **members):
    kind = ARKS[session.client][1]
    images = getattr(ark_module(session), kind)(base_url=session.base(), api_key=key).images
    if kind == "Ark":
        return images.generate(**members)
    loop = asyncio.new_event_loop()
    answer = loop.run_until_complete(images.generate(**members))
    return steps(loop, answer) if members.get("stream") else answer


def steps(loop, events):
    """The events of an asynchronous stream."""
    while True:
        try:
            yield loop.run_until_complete(events.__anext__())
        except StopAsyncIteration:
            return


@scenario(ARKS, "url", 1, 1, 1)
def _(session):
    answer = ark_generate(session, **ONE)
    session.download(answer.data[0].size, answer.data[0].url)
    assert answer.usage.generated_images == 1 and answer.model == MODEL
    return "a URL that opens, though it sends null for all that is unset"


@scenario(ARKS, "b64_json", 1, 1, 1)
def _(session):
    answer = ark_generate(session, **ONE, response_format="b64_json")
    session.keep(answer.data[0].size, base64.b64decode(answer.data[0].b64_json, validate=True))
    return "base64 without a prefix"


@scenario(ARKS, "group", 1, 3, 3)
def _(session):
    answer = ark_generate(session, **THREE, **ark_group(session))
    for image in answer.data:
        session.download(image.size, image.url)
    assert answer.usage.generated_images == 3
    return "3 images"


@scenario(ARKS, "group-withheld", 1, 2, 2)
def _(session):
    answer = ark_generate(session, "sk-mock-partial", **THREE, **ark_group(session))
    assert [image.url is None for image in answer.data] == [False, True, False]
    assert answer.data[1].error["code"] == WITHHELD and answer.usage.generated_images == 2
    for image in answer.data[0], answer.data[2]:
        session.download(image.size, image.url)
    return "drops nothing: the list of images contains an error item"


@scenario(ARKS, "stream", 1, 3, 3)
def _(session):
    events = list(ark_generate(session, **THREE, **ark_group(session), stream=True))
    assert [(event.type, event.image_index) for event in events] == [(MADE, 0), (MADE, 1), (MADE, 2), (COMPLETED, None)]
    for event in events[:3]:
        session.download(event.size, event.url)
    assert events[3].usage["generated_images"] == 3
    return "3 partial_succeeded, completed"


@scenario(ARKS, "stream-withheld", 1, 2, 1)
def _(session):
    events = iter(ark_generate(session, "sk-mock-partial", **THREE, **ark_group(session), stream=True))
    first = next(events)
    session.download(first.size, first.url)
    error = raised(ark_error(session, "ArkAPIError"), next, events)
    assert error.code == WITHHELD and error.request_id
    return "raises ArkAPIError at partial_failed: the third image, paid, is lost"


@scenario(ARKS, "stream-400", 1, 0, 0)
def _(session):
    kind = ark_error(session, "ArkBadRequestError")
    error = raised(kind, ark_generate, session, **{**ONE, "size": "512x512"}, stream=True)
    assert error.code == "InvalidParameter"
    return "ArkBadRequestError before the stream"


@scenario(ARKS, "references", 1, 1, 1)
def _(session):
    answer = ark_generate(session, **ONE, image=[reference()], watermark=False)
    session.download(answer.data[0].size, answer.data[0].url)
    return "a reference as a data URI"


ARK_ERRORS = [
    ("400", "sk-anything", {"size": "512x512"}, "ArkBadRequestError", "InvalidParameter", 1),
    ("401", "sk-mock-401", {}, "ArkAuthenticationError", "AuthenticationError", 1),
    ("403", "sk-mock-403", {}, "ArkPermissionDeniedError", "AccessDenied", 1),
    ("404", "sk-anything", {"model": "seedream"}, "ArkNotFoundError", "InvalidEndpointOrModel.NotFound", 1),
    ("429", "sk-mock-429", {}, "ArkRateLimitError", "ModelAccountIpmRateLimitExceeded", 3),
    ("500", "sk-mock-500", {}, "ArkInternalServerError", "InternalServiceError", 3),
]

for name, key, members, kind, code, posts in ARK_ERRORS:

    @scenario(ARKS, name, posts, 0, 0, key=key, members=members, kind=kind, code=code)
    def _(session, key, members, kind, code):
        error = raised(ark_error(session, kind), ark_generate, session, key, **{**ONE, **members})
        assert error.code == code and error.status_code == int(session.name.rpartition("-")[2])
        return f"{kind}, {code}"


@scenario(ARKS, "lost", 3, 3, 0)
def _(session):
    raised(ark_error(session, "ArkAPIConnectionError"), ark_generate, session, "sk-mock-reset", **ONE)
    return "ArkAPIConnectionError after two retries: paid three times"


# LiteLLM

if litellm:
    litellm.suppress_debug_info = True  # else it prints advice among our lines


def litellm_image(session, key="sk-anything", path="ark/api/v3", model=MODEL, **members):
    members = {"prompt": "a paper kite", "size": "1024x1024", **members}
    return litellm.image_generation(model=f"openai/{model}", api_base=session.base(path), api_key=key, **members)


@scenario("litellm", "url", 1, 1, 1)
def _(session):
    answer = litellm_image(session)
    assert answer.usage.total_tokens == 4096
    session.download("1024x1024", answer.data[0].url)
    return "a URL that opens; the size of each image is dropped"


@scenario("litellm", "opeai", 1, 3, 3)
def _(session):
    members = {"prompt": "3 posters of a paper kite", "size": "2048x2048", "n": 3}
    answer = litellm_image(session, path="opeai/v1", model="doubao-seedream-4.5", **members)
    for image in answer.data:
        session.download("2048x2048", image.url)
    return "n=3 becomes a group"


@scenario("litellm", "group-withheld", 1, 2, 2)
def _(session):
    members = {"prompt": THREE["prompt"], "sequential_image_generation": "auto"}
    answer = litellm_image(session, "sk-mock-partial", **members)
    assert [image.url is None for image in answer.data] == [False, True, False]
    assert "error" not in answer.data[1].model_dump()
    for image in answer.data[0], answer.data[2]:
        session.download("1024x1024", image.url)
    return "drops the reason: the list of images contains an item without an image"


@scenario("litellm", "response_format", 0, 0, 0)
def _(session):
    raised(litellm.UnsupportedParamsError, litellm_image, session, response_format="url")
    return "UnsupportedParamsError before anything is sent"


LITELLM_ERRORS = [
    ("400", "sk-anything", {"size": "512x512"}, "BadRequestError", 1, 0),
    ("401", "sk-mock-401", {}, "AuthenticationError", 1, 0),
    ("429", "sk-mock-429", {}, "RateLimitError", 3, 0),
    ("lost", "sk-mock-reset", {}, "InternalServerError", 3, 3),
]

for name, key, members, kind, posts, billed in LITELLM_ERRORS:

    @scenario("litellm", name, posts, billed, 0, key=key, members=members, kind=kind)
    def _(session, key, members, kind):
        raised(getattr(litellm, kind), litellm_image, session, key, **members)
        return kind + ("; paid three times" if key == "sk-mock-reset" else "")


# seedream-mcp, spoken to in JSON-RPC over its standard streams; it saves the images itself, with aiohttp


def mcp(session, tool, key="sk-anything", **arguments):
    """What a tool of the server says. The session keeps what the server saves."""
    with TemporaryDirectory() as folder:
        names = {"ARK_API_KEY": key, "ARK_BASE_URL": session.base(), "SEEDREAM_AUTO_SAVE_BASE_DIR": folder}
        streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        command = [sys.executable, "-m", "seedream_mcp.server"]
        with subprocess.Popen(command, **streams, env={**os.environ, **names}, cwd=folder, text=True) as server:

            def send(method, **members):
                print(json.dumps({"jsonrpc": "2.0", "method": method, **members}), file=server.stdin, flush=True)

            def ask(method, **params):
                send(method, id=method, params=params)
                return next(said for said in map(json.loads, server.stdout) if said.get("id") == method)["result"]

            client = {"name": "scenarios", "version": "0"}
            ask("initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo=client)
            send("notifications/initialized")
            said = ask("tools/call", name=f"seedream_{tool}", arguments={"size": "1K", **arguments})
            server.stdin.close()
        for file in sorted(Path(folder).glob(f"*/{tool}/*.jp*g")):
            session.keep("1024x1024", file.read_bytes())
    assert said["isError"] is False, said
    return said["content"][0]["text"]


@scenario("seedream-mcp", "url", 1, 1, 1)
def _(session):
    said = mcp(session, "text_to_image", prompt=ONE["prompt"])
    assert f"URL: {session.base('pictures/ark/')}" in said, said
    return "saves the image behind the URL"


@scenario("seedream-mcp", "b64_json", 1, 1, 1)
def _(session):
    mcp(session, "text_to_image", prompt=ONE["prompt"], response_format="b64_json")
    return "saves the image from base64"


@scenario("seedream-mcp", "references", 2, 2, 2)
def _(session):
    with TemporaryDirectory() as folder:
        file = Path(folder, "a.png")
        file.write_bytes(base64.b64decode(reference().partition(",")[2]))
        wanted = {"prompt": ONE["prompt"], "response_format": "b64_json"}
        mcp(session, "image_to_image", image=str(file), **wanted)
        mcp(session, "multi_image_fusion", images=[str(file), str(file)], **wanted)
    one, two = (entry for entry in journal(session) if entry["method"] == "POST")
    assert one["body"]["image"] and not one["notes"] and "image" not in two["body"]
    assert any(note.startswith("images is not") for note in two["notes"]), two["notes"]
    return "one as a data URI; several under a name that Ark does not have: paid, and made without them"


@scenario("seedream-mcp", "group", 1, 3, 3)
def _(session):
    # Not saved: it names files by the second, so that the images of one group overwrite each other.
    said = mcp(session, "sequential_generation", prompt=THREE["prompt"], max_images=3, auto_save=False)
    for url in re.findall(r"URL: (\S+)", said):
        session.download("1024x1024", url)
    return "3 URLs that open"


@scenario("seedream-mcp", "group-withheld", 1, 2, 2)
def _(session):
    arguments = {"prompt": THREE["prompt"], "max_images": 3, "custom_name": "poster", "response_format": "b64_json"}
    said = mcp(session, "sequential_generation", "sk-mock-partial", **arguments)
    _, _, second, third = said.split("📷")
    assert WITHHELD not in said and "poster_3" in second and "poster" not in third, said
    return "drops the reason, and shows the file of the third image as that of the second"


LOST = "网络连接失败"  # the network connection failed
MCP_ERRORS = [
    ("401", "text_to_image", "sk-mock-401", {}, "HTTP 401", 0),
    ("lost", "text_to_image", "sk-mock-reset", {}, LOST, 3),
    ("lost-group", "sequential_generation", "sk-mock-reset", {"max_images": 3}, LOST, 9),
]

for name, tool, key, members, message, billed in MCP_ERRORS:

    @scenario("seedream-mcp", name, 3, billed, 0, tool=tool, key=key, members=members, message=message)
    def _(session, tool, key, members, message):
        said = mcp(session, tool, key, prompt=THREE["prompt"], **members)
        assert message in said, said
        return "a text, and no MCP error, after two retries" + (": paid three times" if message == LOST else "")


# aiohttp, whose URLs write %2F of a query as a slash


async def aiohttp_image(session, key="sk-anything"):
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"}) as client:
        async with client.post(session.base() + "/images/generations", json=ONE) as answer:
            (image,) = (await answer.json())["data"]
    async with aiohttp.ClientSession() as client, client.get(image["url"]) as answer:
        assert answer.status == 200, f"{answer.status} for {answer.url}"
        session.keep(image["size"], await answer.read())


@scenario("aiohttp", "url", 1, 1, 1)
def _(session):
    asyncio.run(aiohttp_image(session))
    return "a URL that opens, though its query is written differently"


@scenario("aiohttp", "lost", 1, 1, 0)
def _(session):
    raised(aiohttp.ClientOSError, asyncio.run, aiohttp_image(session, "sk-mock-reset"))
    return "ClientOSError; one attempt"


# evolink, as its document shows it: plain requests, a task, polls


def evolink(session, path, body=None, key="sk-anything"):
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    data = json.dumps(body).encode() if body else None
    with urllib.request.urlopen(urllib.request.Request(session.base(f"evolink{path}"), data, headers)) as answer:
        return json.load(answer)


@scenario("urllib", "evolink", 1, 2, 2)
def _(session):
    body = {"model": "doubao-seedream-4.5", "prompt": "two views of a paper kite", "n": 2, "size": "16:9"}
    task = evolink(session, "/v1/images/generations", body)
    assert task["status"] == "pending" and task["object"] == "image.generation.task"
    seen = [task["progress"]]
    for _ in range(20):
        task = evolink(session, f"/v1/tasks/{task['id']}")
        seen.append(task["progress"])
        if task["status"] in ("completed", "failed"):
            break
        time.sleep(0.05)
    assert task["status"] == "completed" and seen == sorted(seen) and seen[-1] == 100
    for url in task["results"]:
        session.download("2848x1600", url)
    (bill,) = ledger(session)
    assert bill["settled"] and bill["credits"] > 0
    return f"{len(seen) - 1} polls to completed, 2 results, settled"


# curl


def curl(*arguments):
    return subprocess.run(["curl", "-sS", "--max-time", "60", *arguments], check=True, capture_output=True).stdout


def curl_post(session, path, body, *arguments):
    sent = ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
    return curl(session.base(path), *sent, *arguments)


KEY = ["-H", "Authorization: Bearer sk-anything"]


@scenario("urllib", "evolink-402", 1, 0, 0)
def _(session):
    body = {"model": "doubao-seedream-4.5", "prompt": "a paper kite"}
    error = raised(urllib.error.HTTPError, evolink, session, "/v1/images/generations", body, "sk-mock-402")
    assert error.code == 402 and json.load(error)["error"]["code"] == "insufficient_quota"
    return "402, insufficient_quota"


@scenario("curl", "url", 1, 1, 1)
def _(session):
    (image,) = json.loads(curl_post(session, "ark/api/v3/images/generations", ONE, *KEY))["data"]
    session.keep(image["size"], curl("--fail", image["url"]))
    altered = image["url"].replace("Expires=86400", "Expires=99999")
    for arguments in ["--head", image["url"]], [altered]:
        assert curl("-o", os.devnull, "-w", "%{http_code}", *arguments) == b"403", arguments
    return "opens with GET, not with HEAD, not when altered"


@scenario("curl", "stream", 1, 3, 3)
def _(session):
    body = {**THREE, **GROUP, "stream": True}
    lines = curl_post(session, "ark/api/v3/images/generations", body, "--no-buffer", *KEY).decode().splitlines()
    assert [line for line in lines if line.startswith("event: ")] == [f"event: {MADE}"] * 3 + [f"event: {COMPLETED}"]
    *events, done = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    assert done == "[DONE]"
    for event in map(json.loads, events[:3]):
        session.keep(event["size"], curl("--fail", event["url"]))
    return "3 partial_succeeded, completed, [DONE]"


@scenario("curl", "ark-relay", 1, 1, 1)
def _(session):
    (image,) = json.loads(curl_post(session, "ark/v1/images/generations", ONE))["data"]
    session.keep("1024x1024", curl("--fail", image["url"]))
    return "document 003 answers without a key"


@scenario("curl", "401", 1, 0, 0)
def _(session):
    body, _, status = curl_post(session, "ark/api/v3/images/generations", ONE, "-w", "\n%{http_code}").rpartition(b"\n")
    assert (status, json.loads(body)["error"]["code"]) == (b"401", "AuthenticationError")
    return "AuthenticationError without a key"


# What is recorded in front of a mock, and played

class At:
    """A client of a session at another place."""

    def __init__(self, client, url):
        self.client = client
        self.url = url

    def base(self, path="ark/api/v3"):
        return f"{self.url}/{path}"


def served(client, *arguments):
    """A mock or a recorder that runs, and the client at its place."""
    process = subprocess.Popen([os.environ["SEEDREAM"], "mock", *arguments], stdout=subprocess.PIPE, text=True)
    return process, At(client, json.loads(process.stdout.readline())["url"])


def stopped(process):
    """Ends it as Ctrl-C does: its exit code."""
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    return process.returncode


def recorded_calls(session):
    """What an image and a stream of three say, without their URLs, and the images."""
    if session.client == "openai-python":
        one = openai_generate(session, **ONE, response_format="url")
        events = openai_images(session).generate(**THREE, stream=True, extra_body=GROUP)
    else:
        one = ark_generate(session, **ONE)
        events = ark_generate(session, **THREE, stream=True, **ark_group(session))
    text = json.dumps([one.model_dump(), *[event.model_dump() for event in events]], default=str)
    urls = re.findall(r'"url": "([^"]+)"', text)
    sizes = re.findall(r'"size": "([^"]+)"', text)
    images = []
    for url in urls:
        with urllib.request.urlopen(url) as answer:
            images.append(answer.read())
    return re.sub(r'"url": "[^"]+"', '"url": ""', text), sizes, images


@scenario(["openai-python", "ark-sdk"], "recording", 2, 4, 4)
def _(session):
    with TemporaryDirectory() as folder:
        out = f"{folder}/recording"
        upstream = ["--provider", "ark", "--upstream", session.base(), "--budget", "4"]
        recorder, client = served(session.client, "record", *upstream, "--out", out)
        recorded = recorded_calls(client)
        assert stopped(recorder) == 0
        player, client = served(session.client, "serve", "--fixtures", out, "--strict")
        played = recorded_calls(client)
        assert stopped(player) == 0, "everything was asked for, and nothing else"
        assert played == recorded
        for size, image in zip(recorded[1], recorded[2], strict=True):
            session.keep(size, image)
    return "a recording gives the same responses and images"


def main():
    versions = {"urllib": sys.version.split()[0], "curl": curl("--version").split()[1].decode()}
    reasons = dict(line.split("\t") for line in Path(os.environ["MISSING"]).read_text().splitlines())
    skipped, order = set(), list(PACKAGES)
    for client, packages in PACKAGES.items():
        try:
            found = [version(package) for package in packages]
            versions.setdefault(client, *found[:1])
        except PackageNotFoundError as missing:
            skipped.add(client)
            why = f"{missing.name}: {reasons.get(missing.name, 'it is not installed')}"
            print("skip", client, *"-----", why, sep="\t", flush=True)
    for client, name, posts, billed, kept, run, extra in sorted(scenarios, key=lambda each: order.index(each[0])):
        if client in skipped:
            continue
        try:
            verdict, seen = "ok", run(Session(client, name), **extra)
        except Exception as error:  # whatever it is, it is the result
            where = traceback.extract_tb(error.__traceback__)[-1]
            verdict, seen = "FAIL", " ".join(f"{type(error).__name__}: {error} at {where.line}".split())
        print(verdict, client, versions[client], name, posts, billed, kept, seen, sep="\t", flush=True)


main()
