"""Work that outlives a click: one thread a job, its progress, and a record on disk.

A record names the verb and its arguments, so that a job whose process died can be offered again:
every verb of the workbench may be run twice and goes on where it stopped.
"""

from __future__ import annotations

import json
import os
import sys
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import RLock, Thread
from time import monotonic, time
from traceback import format_exception
from typing import Any
from uuid import uuid4

from core.errors import SextantError, UnknownName
from core.jobs.job import Job, State, born, read, save

__all__ = ["Cancelled", "Job", "Jobs", "State", "Tick"]
KEPT = 50
WINDOW_S = 15.0
SAVE_EVERY_S = 1.0


class Cancelled(Exception):
    """The person cancelled. Raised by `Tick`, where the work can stop without loss."""


class Tick:
    """What the work calls with (done, total). Measures the rate and keeps the record fresh.

    Raises:
        Cancelled: someone cancelled the job.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._lock = RLock()
        self._seen: deque[tuple[float, int]] = deque()
        self._saved = -SAVE_EVERY_S

    def __call__(self, done: int, total: int) -> None:
        """Note the progress; a smaller `done` than before begins a new stage."""
        if self._job.cancel_file.exists():
            raise Cancelled
        with self._lock:
            now = monotonic()
            if done < self._job.done or total != self._job.total:
                self._seen.clear()
            self._job.done, self._job.total = done, total
            self._seen.append((now, done))
            while len(self._seen) > 2 and now - self._seen[1][0] > WINDOW_S:
                self._seen.popleft()
            first, then = self._seen[0]
            self._job.rate = (done - then) / (now - first) if now > first else 0.0
            if now - self._saved >= SAVE_EVERY_S:
                self._saved = now
                save(self._job)


class Jobs:
    """All jobs of one home, those of other processes included.

    Args:
        folder: where the records lie; made when it is not there.
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
        returned. Its earlier attempts that did not end well are forgotten.
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
                born=born(os.getpid()),
                created=time(),
                folder=self.folder,
            )
            save(job)
            self._here[job.id] = job
            job.thread = Thread(target=_work, args=(job, work), name=title, daemon=True)
            job.thread.start()
            self._prune()
            return job

    def all(self) -> tuple[Job, ...]:
        """Every job, newest first."""
        with self._lock:
            found = [self._here.get(p.stem) or read(p) for p in self.folder.glob("*.json")]
        return tuple(sorted((j for j in found if j), key=lambda j: (-j.created, j.id)))

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
        """Drop the record of a job that is not running."""
        if self.get(id_).state != "running":
            self._here.pop(id_, None)
            for kind in ("json", "cancel"):
                (self.folder / f"{id_}.{kind}").unlink(missing_ok=True)

    def _prune(self) -> None:
        for job in [j for j in self.all() if j.state != "running"][KEPT:]:
            self.forget(job.id)


def _work(job: Job, work: Callable[[Tick], Any]) -> None:
    """Run the work and record how it ended. A bug goes on to the thread's hook: standard error."""
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
            job.error = f"Something is wrong inside Sextant: {type(bug).__name__}: {bug}"
            job.traceback = "".join(format_exception(bug))
        job.finished = time()
        job.state = state
        save(job)
        job.cancel_file.unlink(missing_ok=True)


def _plain(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as JSON gives them back, so that they compare equal."""
    return json.loads(json.dumps(dict(arguments)))
