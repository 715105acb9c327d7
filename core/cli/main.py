"""Running one command: exit codes and output streams.

With --json standard output is one JSON document; progress and messages go to standard error. Exit
code 0: done; 2: the input was rejected, with a message on standard error; 3: a number failed
--fail-under, --fail-over or --against; 1: a bug, with its traceback; 130: interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from core.cli.output import EncoderSteps, log
from core.cli.parser import build_parser
from core.errors import SextantError, StoreError, clean


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    parser = build_parser()
    options, more = parser.parse_known_args(arguments)
    if len(more) == 1 and options.__dict__.get("text") == "" and not more[0].startswith("--"):
        options.text = more.pop()  # argparse rejects a QUERY after options
    if more:
        parser.error(f"unrecognized arguments: {' '.join(more)}")
    if "run" not in options:
        parser.print_help()
        return 0
    from core.workbench import Workbench, documents

    given = documents.command(*(sys.argv[1:] if arguments is None else arguments))
    options.command = clean(given)  # a path may have bytes that no report takes
    bench = Workbench(options.home)
    try:
        with EncoderSteps(bench.encoder_steps, bench.finish_encoders):
            code = options.run(bench, options)
        if "name" in options:
            bench.last_used.note(options.name)
    except SextantError as error:
        log(str(error))
        if isinstance(error, StoreError):
            log(f"home: {bench.uri}")
        return 2
    except KeyboardInterrupt:
        log("Stopped; what is done is saved. Run the same command again to resume.")
        return 130
    return code or 0
