"""Standard output, standard error, and the files a command reads or writes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import monotonic
from typing import Any

from core.errors import InputError


def read_file(path: Path) -> bytes:
    """A file's bytes.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error


def read_text(file: str) -> str:
    """The text of a UTF-8 file, or of standard input for "-".

    Raises:
        InputError: it cannot be read, or is not UTF-8.
    """
    data = sys.stdin.buffer.read() if file == "-" else read_file(Path(file))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is not UTF-8 text: byte {error.start + 1}.") from error


def write_report(path: Path, text: str) -> None:
    """Write an HTML report.

    Raises:
        InputError: it cannot be written.
    """
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from error
    log(f"Report written to {path}: one file, to open in any browser.")


class Progress:
    """One line on standard error: how many items are done, the rate and the time left."""

    def __init__(self, what: str) -> None:
        self._what, self._started, self._shown = what, monotonic(), 0.0

    def __call__(self, done: int, total: int) -> None:
        """Update the line, at most twice a second."""
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
        """End the line."""
        if sys.stderr.isatty():
            sys.stderr.write("\n")


def print_json(document: Any) -> None:
    """The one document of `--json`."""
    json.dump(document, sys.stdout, ensure_ascii=False, allow_nan=False)
    sys.stdout.write("\n")


def echo(line: str) -> None:
    """A line of the result, on standard output."""
    sys.stdout.write(line + "\n")


def log(line: str) -> None:
    """A message, on standard error."""
    sys.stderr.write(line + "\n")
