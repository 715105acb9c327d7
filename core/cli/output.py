"""What goes to standard output, what to standard error, and files that are read or written."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import monotonic
from typing import Any

from core.errors import InputError


def read_file(path: Path) -> bytes:
    """A file's bytes, or a sentence."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error


def write_file(path: Path, text: str) -> None:
    """Write a report, or say why not."""
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from error
    tell(f"The report is in {path}: one file, to open in any browser.")


class Progress:
    """One line on standard error that says how far, how fast, and how long still."""

    def __init__(self, what: str) -> None:
        self._what, self._started, self._shown = what, monotonic(), 0.0

    def __call__(self, done: int, total: int) -> None:
        """Show how far it is."""
        now = monotonic()
        if now - self._shown < 0.5 and done < total:
            return
        self._shown = now
        rate = done / max(now - self._started, 1e-9)
        left = f", {(total - done) / rate:,.0f} s left" if rate and total > done else ""
        line = f"{done:,} of {total:,} {self._what}, {rate:,.1f} a second{left}"
        sys.stderr.write(f"\r{line:<70}" if sys.stderr.isatty() else f"{line}\n")
        sys.stderr.flush()

    def end(self) -> None:
        """Leave the line."""
        if sys.stderr.isatty():
            sys.stderr.write("\n")


def print_json(document: Any) -> None:
    """The one document of `--json`."""
    json.dump(document, sys.stdout, ensure_ascii=False, allow_nan=False)
    sys.stdout.write("\n")


def say(line: str) -> None:
    """A line of the answer, on standard output."""
    sys.stdout.write(line + "\n")


def tell(line: str) -> None:
    """A line about the work, on standard error."""
    sys.stderr.write(line + "\n")
