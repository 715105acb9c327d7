"""Numbers, ids and verdicts of search, evaluate and diagnose, to compare before and after a change.

    python -m tests.bench.same_numbers write FOLDER --home HOME COLLECTION...
    python -m tests.bench.same_numbers compare FOLDER --home HOME COLLECTION...

Both run on a copy of the home; the original stays as it is. `compare` lists what differs from the
files that `write` stored, to the last digit; sentences may differ.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from core.cli import main as sextant

LONG = "a man in a red shirt climbs a rock"
CASES: dict[str, tuple[str, ...]] = {
    "dog": ("search", "a dog"),
    "beach": ("search", "a dog running on the beach", "-k", "50"),
    "minus": ("search", '"a dog" - "water"'),
    "nnn": ("search", "two people", "--hub-correction", "nnn"),
    "krec": ("search", "two people", "--rerank", "k_reciprocal"),
    "words": ("search", "red car", "--words", "rrf"),
    "exp": ("search", LONG, "--expected", "0.3"),
    "miss": ("search", LONG, "--miss", "0.1"),
    "where": ("search", "food", "--where", "kind=text"),
    "eval": ("evaluate",),
    "eval-csls": ("evaluate", "--hub-correction", "csls"),
    "diag": ("diagnose",),
}
NAMES = ("id", "kind", "name", "scope", "verdict", "rule", "encoder")  # texts that must not change


def main() -> int:
    """0 done or equal, 1 where something differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.same_numbers")
    parser.add_argument("action", choices=("write", "compare"))
    parser.add_argument("folder", type=Path, help="where the JSON files are")
    parser.add_argument("collections", nargs="+", metavar="COLLECTION")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    given = parser.parse_args()
    different = False
    with TemporaryDirectory() as place:
        home = shutil.copytree(given.home, Path(place) / "home")
        for name in given.collections:
            for case in given.cases:
                now = _run(home, name, case)
                path = given.folder / f"{name}-{case}.json"
                if given.action == "write":
                    path.write_text(json.dumps(now), "utf-8")
                    continue
                for line in differences(json.loads(path.read_text("utf-8")), now):
                    sys.stdout.write(f"{path.stem}{line}\n")
                    different = True
    return int(different)


def differences(before: Any, now: Any, at: str = "") -> Iterator[str]:
    """Where two JSON values differ in anything but prose.

    >>> old = {"hits": [{"id": "a", "score": 0.5}], "sentence": "One.", "reference": {"name": "x"}}
    >>> new = {"hits": [{"id": "b", "score": 0.5}], "sentence": "1.", "reference": {"name": "y"}}
    >>> list(differences(old, new))
    ["/hits/0/id: 'a' became 'b'"]
    """
    if isinstance(before, dict) and isinstance(now, dict):
        for key in before.keys() | now.keys():
            yield from differences(before.get(key), now.get(key), f"{at}/{key}")
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for i, (old, new) in enumerate(zip(before, now, strict=True)):
            yield from differences(old, new, f"{at}/{i}")
    elif before != now:
        parent, _, key = at.rpartition("/")
        texts = isinstance(before, str | None) and isinstance(now, str | None)
        if not texts or (key in NAMES and not parent.endswith("/reference")):
            yield f"{at}: {str(before)[:80]!r} became {str(now)[:80]!r}"


def _run(home: Path, name: str, case: str) -> Any:
    """The JSON that a command prints."""
    command, *rest = CASES[case]
    out = StringIO()
    with redirect_stdout(out):
        code = sextant(["--home", str(home), command, name, *rest, "--json"])
    if code:
        raise RuntimeError(f"{name}-{case} ended with {code}")
    return json.loads(out.getvalue())


if __name__ == "__main__":
    sys.exit(main())
