"""Long work in threads: jobs with a record on disk, that can be cancelled and resumed."""

from __future__ import annotations

import json
import os
import sys
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from threading import RLock, Thread
from time import monotonic, time
from traceback import format_exception
from typing import Any, Literal, Protocol, get_args, runtime_checkable
from uuid import uuid4

import psutil

from core.errors import Cancelled, SextantError, StoreError, UnknownName, clean, cleaned
from core.types import Progress

KEPT = 50  # records of jobs that are not running
WINDOW_S = 15.0  # that the rate is measured over
SAVE_EVERY_S = 1.0
MOST = 1e18  # of any number in a record
SAME_START_S = 2.0  # a process's start time, read twice, differs by less

State = Literal["running", "done", "cancelled", "failed", "interrupted"]


@dataclass
class Record:
    """The part of a job that is stored. Times are seconds since 1970, `rate` is items per second.

    `pid` and `born` identify the process that runs it: its number and its start time, as text.
    `step` is what is being done, number `step_number` of `steps`; `unit` is what `done` and `total`
    count. Empty and 0 where the work has no named steps.
    """

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
    step: str = ""
    step_number: int = 0
    steps: int = 0
    unit: str = ""

    def __post_init__(self) -> None:
        kinds = {"str": str, "int": int, "float": int | float, "dict[str, Any]": dict}
        for one in fields(Record):
            value = getattr(self, one.name)
            if one.type in kinds and not isinstance(value, kinds[str(one.type)]):
                raise TypeError(f"{one.name} is {value!r}")
            if isinstance(value, int | float) and not abs(value) < MOST:
                raise ValueError(f"{one.name} is {value!r}")
            setattr(self, one.name, cleaned(value))
        if self.state not in get_args(State):
            raise TypeError(f"state is {self.state!r}")


@dataclass
class Job(Record):
    """One piece of work: live while it runs in this process, else as last recorded.

    `result` is what the work returned; only the process that ran it has it.
    """

    folder: Path = Path()
    result: Any = None
    thread: Thread | None = None

    @property
    def seconds_left(self) -> float | None:
        """At the recent rate; None while that is unknown."""
        if self.state != "running" or not self.rate or not self.total:
            return None
        return max(self.total - self.done, 0) / self.rate

    @property
    def sentence(self) -> str:
        """The state of the job, as a sentence."""
        of = f"{self.done:,} of {self.total:,}" if self.total else f"{self.done:,}"
        of = f"{of} {self.unit}".rstrip()
        if self.state == "done":
            return f"Done in {_duration(self.finished - self.created)}."
        if self.state == "cancelled":
            return f"Cancelled at {of}; what was done is saved."
        if self.state == "interrupted":
            return f"Interrupted at {of}, when the process ended; what was done is saved."
        if self.state == "failed":
            return self.error
        number = f"Step {self.step_number} of {self.steps}, " if self.steps > 1 else ""
        step = f"{number}{self.step}: " if self.step else ""
        step = step[:1].upper() + step[1:]
        if self.cancelling:
            return f"{step or 'Cancelled: '}stops as soon as it can."
        if not self.done and not self.total:
            return f"{step or 'Running '}for {_duration(time() - self.created)}."
        rate = f", {self.rate:,.{1 if self.rate < 10 else 0}f} per second" if self.rate else ""
        left = f", {_duration(self.seconds_left)} left" if self.seconds_left is not None else ""
        if self.total and self.done >= self.total:
            return f"{step}{of}, finishing."
        return f"{step}{of}{rate}{left}."

    @property
    def cancel_file(self) -> Path:
        """Exists when the job was cancelled, by whichever process."""
        return self.folder / f"{self.id}.cancel"

    @property
    def cancelling(self) -> bool:
        """Whether the job was cancelled and still runs, up to its next tick."""
        return self.state == "running" and self.cancel_file.exists()

    def cancel(self) -> None:
        """Stop the work at its next tick, also when another process runs it."""
        if self.state == "running":
            self.cancel_file.touch()

    def wait(self, seconds: float | None = None) -> Job:
        """Return when the work has ended or the time is over."""
        if self.thread:
            self.thread.join(seconds)
        return self


class Tick:
    """The progress callback of a job: measures the rate and updates the record.

    Raises:
        Cancelled: the job was cancelled.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._lock = RLock()
        self._recent: deque[tuple[float, int]] = deque()
        self._saved = -SAVE_EVERY_S

    def __call__(self, done: int, total: int) -> None:
        """Record the progress; a smaller `done` than before begins a new stage."""
        if self._job.cancel_file.exists():
            raise Cancelled
        with self._lock:
            now = monotonic()
            if done < self._job.done or total != self._job.total:
                self._recent.clear()
            self._job.done, self._job.total = done, total
            self._recent.append((now, done))
            while len(self._recent) > 2 and now - self._recent[1][0] > WINDOW_S:
                self._recent.popleft()
            first, then = self._recent[0]
            self._job.rate = (done - then) / (now - first) if now > first else 0.0
            if now - self._saved >= SAVE_EVERY_S:
                self._saved = now
                save_record(self._job)

    def begin(self, name: str, number: int, of: int, unit: str) -> None:
        """Begin a named step; see `Record`."""
        with self._lock:
            job = self._job
            job.step, job.step_number, job.steps, job.unit = name, number, of, unit
            job.done = job.total = 0
            job.rate = 0.0
            self._recent.clear()
            self._saved = monotonic()
            save_record(job)


@runtime_checkable
class Stepped(Protocol):
    """A progress that shows named steps."""

    def begin(self, name: str, number: int, of: int, unit: str) -> None:
        """Begin a step; see `begin_step`."""


def begin_step(progress: Progress, name: str, number: int = 1, of: int = 1, unit: str = "") -> None:
    """Begin a named step of the work, where its progress shows them.

    Args:
        progress: that the work was given.
        name: what is done, such as "encoding".
        number: of the step; `of` how many there are.
        of: number of steps.
        unit: what the progress counts, such as "images".
    """
    if isinstance(progress, Stepped):
        progress.begin(name, number, of, unit)


class Jobs:
    """All jobs of one home, those of other processes included.

    Args:
        folder: of the records; created with the first.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._lock = RLock()
        self._here: dict[str, Job] = {}

    def start(
        self,
        title: str,
        work: Callable[[Tick], Any],
        *,
        verb: str,
        arguments: Mapping[str, Any],
    ) -> Job:
        """Run the work in a thread of its own.

        The same verb with the same arguments is not run twice at a time: the running job is
        returned. Records of its earlier attempts that did not end well are deleted.
        """
        with self._lock:
            for earlier in self.all():
                if (earlier.verb, earlier.arguments) == (verb, _plain(arguments)):
                    if earlier.state == "running":
                        return earlier
                    if earlier.state != "done":
                        self.forget(earlier.id)
            job = Job(
                id=uuid4().hex[:12],
                title=title,
                verb=verb,
                arguments=_plain(arguments),
                pid=os.getpid(),
                born=str(psutil.Process().create_time()),
                created=time(),
                folder=self.folder,
            )
            save_record(job)
            self._here[job.id] = job
            job.thread = Thread(target=_work, args=(job, work), name=title, daemon=True)
            job.thread.start()
            self._prune()
            return job

    def all(self) -> tuple[Job, ...]:
        """Every job, newest first."""
        with self._lock:
            jobs = [self._here.get(p.stem) or _read_record(p) for p in self.folder.glob("*.json")]
        return tuple(sorted(filter(None, jobs), key=lambda j: (-j.created, j.id)))

    def get(self, id_: str) -> Job:
        """One job.

        Raises:
            UnknownName: no record of it.
        """
        jobs = {job.id: job for job in self.all()}
        if id_ not in jobs:
            raise UnknownName("job", id_, jobs)
        return jobs[id_]

    def latest(self, verb: str, arguments: Mapping[str, Any]) -> Job | None:
        """The newest attempt at a piece of work; None when there was none."""
        same = (j for j in self.all() if (j.verb, j.arguments) == (verb, _plain(arguments)))
        return next(same, None)

    def forget(self, id_: str) -> None:
        """Delete the record of a job that is not running."""
        if self.get(id_).state != "running":
            self._here.pop(id_, None)
            for kind in ("json", "cancel"):
                (self.folder / f"{id_}.{kind}").unlink(missing_ok=True)

    def _prune(self) -> None:
        for job in [j for j in self.all() if j.state != "running"][KEPT:]:
            self.forget(job.id)


def save_record(job: Job) -> None:
    """Write the record to another name, then rename: a reader never sees half of it."""
    record = {f.name: getattr(job, f.name) for f in fields(Record)}
    path = job.folder / f"{job.id}.json"
    try:
        job.folder.parent.mkdir(0o700, parents=True, exist_ok=True)
        job.folder.mkdir(exist_ok=True)
        path.with_suffix(".new").write_text(json.dumps(record), encoding="utf-8")
        path.with_suffix(".new").replace(path)
    except OSError as error:
        raise StoreError(f"The record of '{job.title}' was not written: {error}.") from error


def _read_record(path: Path) -> Job | None:
    """The job of a record; None when another process has just deleted it."""
    try:
        job = Job(**json.loads(path.read_text(encoding="utf-8")), folder=path.parent)
        if job.id != path.stem:  # it names the files that are deleted with it
            raise ValueError(job.id)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, RecursionError):
        sentence = f"The record {path.name} cannot be read."
        return Job(path.stem, path.stem, "", {}, 0, "", 0.0, "failed", error=sentence)
    if job.state == "running" and not _is_alive(job):
        job.state = "interrupted"
    return job


def _is_alive(job: Job) -> bool:
    """Whether the process that runs a job exists; process numbers are reused, start times not."""
    try:
        process = psutil.Process(job.pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return abs(process.create_time() - float(job.born)) < SAME_START_S
    except (psutil.Error, ValueError, OverflowError):
        return False


def _work(job: Job, work: Callable[[Tick], Any]) -> None:
    """Run the work and record how it ended; a bug also reaches the thread's excepthook."""
    state: State = "failed"
    try:
        job.result = work(Tick(job))
        state = "done"
    except Cancelled:
        state = "cancelled"
    except SextantError as error:
        job.error = str(error)
    finally:
        bug = sys.exception()
        if bug is not None:
            job.error = clean(f"A bug in Sextant: {type(bug).__name__}: {bug}")
            job.traceback = "".join(format_exception(bug))
        job.finished = time()
        job.state = state
        save_record(job)
        job.cancel_file.unlink(missing_ok=True)


def _plain(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as JSON gives them back, so that they compare equal."""
    return cleaned(json.loads(json.dumps(dict(arguments))))


def _duration(seconds: float) -> str:
    """Rounded to one unit.

    >>> _duration(7.2), _duration(125), _duration(5400)
    ('7 s', '2 min', '1.5 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"
