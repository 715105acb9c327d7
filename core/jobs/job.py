"""One piece of work: its record on disk, and how it stands."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, fields
from pathlib import Path
from subprocess import run
from threading import Thread
from time import time
from typing import Any, Literal
from uuid import uuid4

from core.errors import StoreError

State = Literal["running", "done", "cancelled", "failed", "interrupted"]
THIS_PROCESS = uuid4().hex


@dataclass
class Record:
    """What is kept of a job on disk. Times are seconds since 1970, `rate` is items a second."""

    id: str
    title: str
    verb: str
    arguments: dict[str, Any]
    pid: int
    born: str
    created: float
    state: State = "running"
    done: int = 0
    total: int = 0
    rate: float = 0.0
    finished: float = 0.0
    error: str = ""
    traceback: str = ""


@dataclass
class Job(Record):
    """One piece of work: live while it runs in this process, else as last recorded.

    `result` is what the work returned; it stays in the process that did the work.
    """

    folder: Path = Path()
    result: Any = None
    thread: Thread | None = None

    @property
    def seconds_left(self) -> float | None:
        """At the recent rate; None while that is not known."""
        if self.state != "running" or not self.rate or not self.total:
            return None
        return max(self.total - self.done, 0) / self.rate

    @property
    def sentence(self) -> str:
        """How it stands, for a person."""
        of = f"{self.done:,} of {self.total:,}" if self.total else f"{self.done:,}"
        if self.state == "done":
            return f"Done in {_duration(self.finished - self.created)}."
        if self.state == "cancelled":
            return f"Cancelled at {of}; what was done is kept."
        if self.state == "interrupted":
            return f"Stopped at {of}, when its program ended; what was done is kept."
        if self.state == "failed":
            return self.error
        if not self.total:
            return f"Running for {_duration(time() - self.created)}."
        rate = f", {self.rate:,.{1 if self.rate < 10 else 0}f} a second" if self.rate else ""
        left = f", {_duration(self.seconds_left)} left" if self.seconds_left is not None else ""
        return f"{of}{rate}{left}."

    def cancel(self) -> None:
        """Ask the work to stop at its next tick, also when another process runs it."""
        if self.state == "running":
            self.cancel_file.touch()

    def wait(self, seconds: float | None = None) -> Job:
        """Return when the work has ended or the time is over."""
        if self.thread:
            self.thread.join(seconds)
        return self

    @property
    def cancel_file(self) -> Path:
        """Lies beside the record when someone cancelled, whichever process they were in."""
        return self.folder / f"{self.id}.cancel"


def save(job: Job) -> None:
    """Write the record to another name, then rename: a reader never sees half of it."""
    record = {f.name: getattr(job, f.name) for f in fields(Record)}
    path = job.folder / f"{job.id}.json"
    try:
        job.folder.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".new").write_text(json.dumps(record), encoding="utf-8")
        path.with_suffix(".new").replace(path)
    except OSError as error:
        raise StoreError(f"The record of '{job.title}' was not written: {error}.") from error


def read(path: Path) -> Job | None:
    """The job of a record; None when another process has just dropped it."""
    try:
        job = Job(**json.loads(path.read_text(encoding="utf-8")), folder=path.parent)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        sentence = f"The record {path.name} cannot be read."
        return Job(path.stem, path.stem, "", {}, 0, "", 0.0, "failed", error=sentence)
    if job.state == "running" and job.born != born(job.pid):
        job.state = "interrupted"
    return job


def born(pid: int) -> str:
    """When a process started, as its system says it; "" when there is none: pids are used again."""
    if Path("/proc/self/stat").exists():
        try:
            state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if state == "Z" else rest[18]
    if os.name == "posix":
        return run(
            ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
        ).stdout.strip()
    return THIS_PROCESS if pid == os.getpid() else ""


def _duration(seconds: float) -> str:
    """Rounded as a person would say it.

    >>> _duration(7.2), _duration(125), _duration(5400)
    ('7 s', '2 min', '1.5 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"
