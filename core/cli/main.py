"""One command, its exit code, and what goes where.

With --json one JSON document goes to standard output and nothing else does; progress goes to
standard error. Exit code 0: done; 2: the input was refused, with a sentence on standard error;
1: a bug, with its traceback.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.cli.output import tell
from core.cli.parser import parser as make_parser
from core.errors import SextantError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    parser = make_parser()
    options, more = parser.parse_known_args(arguments)
    if len(more) == 1 and options.__dict__.get("text") == "" and not more[0].startswith("--"):
        options.text = more.pop()  # a QUERY behind options, which argparse does not expect there
    if more:
        parser.error(f"unrecognized arguments: {' '.join(more)}")
    if "run" not in options:
        parser.print_help()
        return 0
    from core.workbench import Workbench

    try:
        options.run(Workbench(options.home), options)
    except SextantError as error:
        tell(str(error))
        return 2
    except KeyboardInterrupt:
        tell("Stopped; what was done is kept. Run the same command again to go on.")
        return 130
    return 0
