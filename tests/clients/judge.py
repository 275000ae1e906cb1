"""Reads what the clients saw, compares it with what the mock billed, and prints one line a client and scenario.

A line of standard input has these fields, with tabs between them: verdict, client, version, scenario, attempts to buy,
pictures billed, pictures kept, what was seen. Each scenario has a session of the mock to itself: `client-scenario`. Its
pictures lie in PICTURES as `client-scenario.index.WIDTHxHEIGHT.format` and are decoded here, by Pillow.
"""

import json
import os
import sys
import urllib.request
from pathlib import Path

from PIL import Image

MOCK = os.environ["MOCK"]
PICTURES = Path(os.environ["PICTURES"])


def ask(what, session):
    with urllib.request.urlopen(f"{MOCK}/__mock/v1/{what}?session={session}") as answer:
        return json.load(answer)


def differences(session, posts, billed, kept):
    """What the mock, or a decoder, says otherwise."""
    attempts = sum(entry["method"] == "POST" for entry in ask("journal", session)["entries"])
    if attempts != posts:
        yield f"{attempts} POSTs instead of {posts}"
    images = ask("ledger", session)["images"]
    if images != billed:
        yield f"{images} pictures billed instead of {billed}"
    pictures = list(PICTURES.glob(f"{session}.*"))
    if len(pictures) != kept:
        yield f"{len(pictures)} pictures kept instead of {kept}"
    for file in pictures:
        _, promised, form = file.name.removeprefix(session).lstrip(".").split(".")
        try:
            with Image.open(file) as picture:
                picture.load()
                found = f"{picture.width}x{picture.height}.{picture.format.lower()}"
        except OSError as error:
            found = f"no picture: {error}"
        if found != f"{promised}.{form}":
            yield f"{file.name} is {found}"


def main():
    rows, lines = [], sys.stderr if "--table" in sys.argv else sys.stdout
    for line in sys.stdin:
        verdict, client, version, scenario, posts, billed, kept, seen = line.rstrip("\n").split("\t")
        if verdict == "ok":
            wrong = list(differences(f"{client}-{scenario}", int(posts), int(billed), int(kept)))
            if wrong:
                verdict, seen = "FAIL", f"{'; '.join(wrong)} ({seen})"
        rows.append((verdict, client, version, scenario, seen))
        counts = f"{posts} sent, {billed} billed, {kept} kept"
        print(f"{verdict:4} {client} {scenario}: {seen} [{counts}]", file=lines, flush=True)
    failed = sum(verdict != "ok" for verdict, *_ in rows)
    print(f"{len(rows) - failed} passed, {failed} failed", file=lines)
    if "--table" in sys.argv:
        table(rows)
    sys.exit(bool(failed) or not rows)


def table(rows):
    """One row a client."""
    print("| client | version | scenarios | passed |\n|---|---|---|---|")
    for client, version in dict.fromkeys((client, version) for _, client, version, *_ in rows):
        own = [(verdict, scenario) for verdict, other, _, scenario, _ in rows if other == client]
        passed = sum(verdict == "ok" for verdict, _ in own)
        print(f"| {client} | {version} | {', '.join(scenario for _, scenario in own)} | {passed} of {len(own)} |")


main()
