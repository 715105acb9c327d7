"""Standard output, standard error, and the files a command reads or writes."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from shutil import get_terminal_size
from threading import Event, Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any

from core.errors import InputError, clean

if TYPE_CHECKING:
    from core.encoders import Step


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


def write_file(path: Path, data: bytes) -> None:
    """Write bytes to a file.

    Raises:
        InputError: it cannot be written.
    """
    try:
        path.write_bytes(data)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from error
    log(f"Written to {path}.")


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


# Those that JSON may hold as they are, and terminals take for commands.
_CONTROLS = re.compile("[\x7f-\x9f]")


class _LastLine:
    """The last line of standard error, shared by everything that shows progress on it."""

    def __init__(self) -> None:
        self._parts: dict[str, str] = {}
        self._drawn = ""
        self._lock = Lock()

    def show(self, source: str, text: str) -> None:
        """Show a text beside those of other sources, or "" for none; in a file, on its own line."""
        with self._lock:
            self._parts[source] = text
            if sys.stderr.isatty():
                self._draw(" · ".join(filter(None, self._parts.values())))
            elif text:
                sys.stderr.write(f"{text}\n")
            sys.stderr.flush()

    def leave(self, source: str, text: str = "") -> None:
        """End what a source shows with a last text, by default the one that is shown."""
        with self._lock:
            last = self._parts.pop(source, "")
            if sys.stderr.isatty():
                self._draw(text or last)
                self._drawn = ""
                sys.stderr.write("\n")
            elif text:
                sys.stderr.write(f"{text}\n")
            sys.stderr.flush()

    def clear(self) -> None:
        """Make room for other output."""
        with self._lock:
            self._draw("")
            sys.stderr.flush()

    def _draw(self, text: str) -> None:
        if text or self._drawn:
            width = get_terminal_size().columns - 1
            sys.stderr.write(f"\r{text[:width]:<{width}}\r")
        self._drawn = text


_LAST_LINE = _LastLine()


class Progress:
    """One line on standard error: how many items are done, the rate and the time left.

    Each step of the work has its own line, unit, rate and time.
    """

    def __init__(self, what: str) -> None:
        self._what, self._started, self._shown, self._step = what, monotonic(), 0.0, ""

    def begin(self, name: str, number: int, of: int, unit: str) -> None:
        """Begin a step; that of a single one has no name."""
        if self._shown:
            _LAST_LINE.leave("progress")
        self._what, self._started, self._shown = unit or self._what, monotonic(), 0.0
        self._step = f"{name}: " if of > 1 else ""

    def __call__(self, done: int, total: int) -> None:
        """Update the line, at most twice a second."""
        now = monotonic()
        if now - self._shown < 0.5 and (done < total or not total):
            return
        self._shown = now
        rate = done / max(now - self._started, 1e-9)
        left = f", {(total - done) / rate:,.0f} s left" if rate and total > done else ""
        of = f"{done:,} of {total:,}" if total else f"{done:,}"
        line = f"{self._step}{of} {self._what}, {rate:,.1f} a second{left}"
        _LAST_LINE.show("progress", line)

    def end(self) -> None:
        """End the line."""
        _LAST_LINE.leave("progress")


class EncoderSteps:
    """Shows what the first use of an encoder takes: each step of a second or more, and its time.

    At the end it waits for what goes on in the background, so that the next start is quick.

    Args:
        running: the steps that are running.
        finished: waits so many seconds; whether nothing is left in the background.
    """

    def __init__(
        self, running: Callable[[], Iterable[Step]], finished: Callable[[float], bool]
    ) -> None:
        self._running, self._finished, self._over = running, finished, Event()
        self._thread = Thread(target=self._watch, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        sys.stdout.flush()
        if kind is None and not self._finished(0):
            log("The encoder is being prepared for a quicker next start; Ctrl+C ends that.")
            while not self._finished(0.5):
                pass
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        shown: dict[Step, float] = {}
        while not self._over.wait(0.5):
            self._show(shown, {s: s.seconds for s in self._running() if s.seconds >= 1})
        self._show(shown, {})

    def _show(self, shown: dict[Step, float], now: dict[Step, float]) -> None:
        """Steps that ended get a line each; those that run share the last one."""
        for step in [s for s in shown if s not in now]:
            _LAST_LINE.leave("encoder", f"{step.name}, {shown.pop(step):.0f} s")
        new = now.keys() - shown.keys()
        shown |= now
        if sys.stderr.isatty():
            line = "; ".join(f"{s.name}, {t:.0f} s" for s, t in now.items())
            _LAST_LINE.show("encoder", line)
        elif new:
            _LAST_LINE.show("encoder", "; ".join(f"{step.name} ..." for step in new))


def print_json(document: Any, options: argparse.Namespace) -> None:
    """The one document of `--json`; `command` in it reproduces it."""
    from core.workbench import documents

    _LAST_LINE.clear()
    document = documents.with_command(document, options.command)
    text = json.dumps(document, ensure_ascii=False, allow_nan=False)
    sys.stdout.write(_CONTROLS.sub(lambda one: f"\\u{ord(one[0]):04x}", text) + "\n")


def echo(line: str) -> None:
    """A line of the result, on standard output."""
    _LAST_LINE.clear()
    sys.stdout.write(clean(line) + "\n")


def log(line: str) -> None:
    """A message, on standard error."""
    _LAST_LINE.clear()
    sys.stderr.write(clean(line) + "\n")
