"""Reads what the clients saw, compares it with what the mock billed, and prints one line a client and scenario.

A line of standard input has these fields, with tabs between them: verdict, client, version, scenario, attempts to buy,
images billed, images kept, what was seen. Each scenario has a session of the mock to itself: `client-scenario`. Its
pictures lie in PICTURES as `client-scenario.index.WIDTHxHEIGHT.format` and are decoded here, by Pillow. A verdict is ok, FAIL,
or skip where a client could not be installed, which is said by name with the reason.
"""

import json
import os
import sys
import urllib.request
from pathlib import Path

from PIL import Image

MOCK = os.environ["MOCK"]
PICTURES = Path(os.environ["PICTURES"])
WITHHELD = [("", "group-withheld"), ("stream: ", "stream-withheld")]


def ask(what, session):
    with urllib.request.urlopen(f"{MOCK}/__mock/v1/{what}?session={session}") as answer:
        return json.load(answer)


def bought(session):
    """The requests to buy of a session, and how many images it was billed for, as the mock says."""
    attempts = [entry for entry in ask("journal", session)["entries"] if entry["method"] == "POST"]
    return attempts, ask("ledger", session)["images"]


def differences(session, posts, billed, kept):
    """What the mock, or a decoder, says otherwise."""
    attempts, images = bought(session)
    if len(attempts) != posts:
        yield f"{len(attempts)} POSTs instead of {posts}"
    if images != billed:
        yield f"{images} images billed instead of {billed}"
    if session.endswith("-references") and not any("image" in entry["body"] for entry in attempts):
        yield "no reference arrived"
    pictures = list(PICTURES.glob(f"{session}.*"))
    if len(pictures) != kept:
        yield f"{len(pictures)} images kept instead of {kept}"
    for file in pictures:
        _, promised, form = file.name.removeprefix(session).lstrip(".").split(".")
        try:
            with Image.open(file) as picture:
                picture.load()
                found = f"{picture.width}x{picture.height}.{picture.format.lower()}"
        except OSError as error:
            found = f"not an image: {error}"
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
        line = f"skip {client}: {seen}" if verdict == "skip" else f"{verdict:4} {client} {scenario}: {seen} [{counts}]"
        print(line, file=lines, flush=True)
    passed, failed, skipped = (sum(verdict == each for verdict, *_ in rows) for each in ("ok", "FAIL", "skip"))
    ran = [row for row in rows if row[0] != "skip"]
    money(ran, lines)
    print(f"{passed} passed, {failed} failed, {skipped} skipped", file=lines)
    if "--table" in sys.argv:
        table(ran)
        print()
        money(ran, sys.stdout)
    sys.exit(bool(failed) or not ran)


def clients(rows):
    """Each client and its version, with what was seen in its scenarios."""
    for client, version in dict.fromkeys((client, version) for _, client, version, *_ in rows):
        yield client, version, {row[3]: row for row in rows if row[1] == client}


def table(rows):
    """One row a client."""
    print("| client | version | scenarios | passed |\n|---|---|---|---|")
    for client, version, own in clients(rows):
        passed = sum(verdict == "ok" for verdict, *_ in own.values())
        print(f"| {client} | {version} | {', '.join(own)} | {passed} of {len(own)} |")


def money(rows, out):
    """What each client buys where a connection is reset before the answer, and what it drops where one image is withheld."""
    print("| client | version | POSTs under a reset | images billed | one image of a group is withheld |", file=out)
    print("|---|---|---|---|---|", file=out)
    for client, version, own in clients(rows):
        for scenario in ("lost", "lost-group"):
            if scenario in own:
                attempts, images = bought(f"{client}-{scenario}")
                name = client + (", a group of 3" if scenario == "lost-group" else "")
                withheld = [f"{kind}{own[key][4]}" for kind, key in WITHHELD if key in own and scenario == "lost"]
                print(f"| {name} | {version} | {len(attempts)} | {images} | {'; '.join(withheld)} |", file=out)


main()
