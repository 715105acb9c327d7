"""One benchmark's rows as JSON: `python -m tests.bench NAME`; any other NAME lists them all.

Machines are shared and noisy: read the ratios, not the seconds.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from importlib import import_module

from core.errors import InputError

NAMES = (
    "beyond_memory", "compress", "coverage", "encoder", "geometry", "hardening", "hub_attack",
    "hub_corrections", "ingest", "layouts", "load", "map", "map_page", "matches", "multivector",
    "neighbors", "page", "queries", "repair", "repairs", "search", "soak", "stages",
)  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """Print the rows of one benchmark as they come; 0 done, 2 when it cannot run."""
    name = " ".join(arguments)
    if name not in NAMES:
        sys.stderr.write(f"No benchmark is called '{name}'. All of them: {', '.join(NAMES)}.\n")
        return 2
    try:
        for n, row in enumerate(import_module(f"tests.bench.{name}").run()):
            text = json.dumps(row, ensure_ascii=False, allow_nan=False)
            sys.stdout.write(f"{',' if n else '['}\n {text}")
            sys.stdout.flush()
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write("\n]\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
