"""Two ways to run a tower: torch itself, and OpenVINO converted from the same torch module.

Both give the same rows (the smallest cosine between them is checked once on each machine); only
speed differs. Convolutional towers run several times faster in OpenVINO on a CPU, plain
transformers little. On first use torch runs while the tower is converted in the background; what
that gives is cached, see `core.encoders.backend_cache`.
"""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from threading import Lock
from time import monotonic, perf_counter
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from filelock import FileLock

from core.encoders import lazy
from core.encoders.backend_cache import (
    GRAPH,
    Choice,
    folder,
    load_choice,
    save_choice,
    save_graph,
)
from core.encoders.steps import in_background, step
from core.encoders.towers import Tower
from core.errors import BadParameter, MissingPart
from core.types import Floats, Ints

if TYPE_CHECKING:
    import torch


BACKENDS = ("auto", "torch", "openvino")
STEPS = 3  # of preparing a tower
RUNS = 3  # of each backend when they are compared
SMALL = 32  # rows of a batch
CLOSE, LONG_S = 4, 1.0  # as many calls within as many seconds follow each other closely
WAITING = "waiting for another process that prepares it"
_CONVERTING = Lock()


class Runner(Protocol):
    """Computes unit rows of a batch of a tower's input; may be called from any thread."""

    @property
    def backend(self) -> str:
        """The one in use: "torch" or "openvino"."""
        ...

    @property
    def note(self) -> str:
        """A sentence when it is not the requested one; usually empty."""
        ...

    def __call__(self, batch: Floats | Ints) -> Floats:
        """(n, d) float32 unit rows."""
        ...


class Torch:
    """The module itself, by default on the fastest device of torch."""

    backend = "torch"

    def __init__(self, tower: Tower, note: str = "", device: str = "") -> None:
        lazy.open_clip()
        self.note = note
        self.device = device or _device()
        # Models are loaded in training mode, where a row depends on its batch.
        self.module = tower.build().eval().requires_grad_(False).to(self.device)
        self._lock = Lock()
        self._called = deque([-LONG_S] * CLOSE, CLOSE)

    def __call__(self, batch: Floats | Ints) -> Floats:
        """(n, d) float32 unit rows."""
        import torch

        with self._lock, self._threads(len(batch)), torch.inference_mode():
            rows = self.module(torch.from_numpy(batch).to(self.device))
            result: Floats = rows.float().cpu().numpy()
        return result

    @contextmanager
    def _threads(self, n: int) -> Iterator[None]:
        """One thread for small batches that follow each other closely.

        Many callers keep all cores busy; threads of one batch would then mostly wait for each
        other, which takes ten times the processor time.
        """
        import torch

        usual, first = torch.get_num_threads(), self._called[0]
        self._called.append(monotonic())
        if n > SMALL or self._called[-1] - first > LONG_S:
            yield
            return
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(usual)


class OpenVino:
    """The same module as a graph: a file, read without loading torch, or just converted."""

    backend = "openvino"
    note = ""

    def __init__(self, graph: object) -> None:
        settings = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        self._model = _openvino().Core().compile_model(graph, "CPU", settings)
        self._lock = Lock()

    def __call__(self, batch: Floats | Ints) -> Floats:
        """(n, d) float32 unit rows."""
        with self._lock:
            result: Floats = np.array(self._model(batch)[0], np.float32)
        return result


class FirstUse:
    """Torch, until OpenVINO has been prepared in the background; then the faster one."""

    def __init__(self, tower: Tower, torch: Torch) -> None:
        self._tower, self._torch, self._folder = tower, torch, folder(tower.key)
        self._runner: Runner = torch
        self._lock, self._turn = Lock(), Lock()
        in_background(self._prepare, f"prepare {tower.key}")

    @property
    def backend(self) -> str:
        """The one in use."""
        return self._runner.backend

    @property
    def note(self) -> str:
        """Why OpenVINO is off, where it is."""
        return self._runner.note

    def __call__(self, batch: Floats | Ints) -> Floats:
        """(n, d) float32 unit rows."""
        with self._turn:
            pass
        with self._lock:
            return self._runner(batch)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Between two calls, however closely they follow one another: the next waits its turn."""
        with self._turn, self._lock:
            yield

    def _prepare(self) -> None:
        found = _prepare(self._tower, self._torch, self._folder, "auto", alone=self._alone)
        with self._alone():
            self._runner = found


def start(tower: Tower, backend: str) -> Runner:
    """A runner for the tower.

    With "auto" and nothing cached, torch runs until OpenVINO is ready; with "openvino" this waits.

    Raises:
        BadParameter: no such backend.
        MissingPart: OpenVINO is requested and not installed, or weights are not as expected.
    """
    if backend not in BACKENDS:
        raise BadParameter("backend", backend, ", ".join(BACKENDS))
    if backend == "openvino":
        _openvino()
    tower.verify()
    if backend == "torch" or lazy.openvino() is None:
        return Torch(tower)
    at = folder(tower.key)
    ready = _cached(tower, at, backend)
    if ready:
        return ready
    if backend == "openvino":
        return _prepare(tower, Torch(tower, device="cpu"), at, backend)
    runner = Torch(tower)
    return FirstUse(tower, runner) if runner.device == "cpu" else runner


def _cached(tower: Tower, at: Path, backend: str) -> Runner | None:
    """The runner that an earlier comparison chose; None when its files are not there."""
    choice, graph = load_choice(at), at / GRAPH
    if choice is None:
        return None
    if not choice.takes_openvino(backend):
        return Torch(tower, choice.note(tower))
    return OpenVino(graph) if graph.exists() else None


def _prepare(
    tower: Tower,
    ours: Torch,
    at: Path,
    backend: str,
    alone: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Runner:
    """Convert a tower, compare both backends on its example, and cache what was found.

    Args:
        tower: what is converted.
        ours: its module, on the CPU.
        at: the tower's folder.
        backend: the requested one.
        alone: entered for each run that is measured.
    """
    with _one_at_a_time(tower, at):
        ready = _cached(tower, at, backend)
        if ready:
            return ready
        try:
            with step(tower.title, "converting to OpenVINO", 1, STEPS):
                graph = _convert(tower, ours.module)
            with step(tower.title, "comparing OpenVINO with torch", 2, STEPS):
                theirs, batch = OpenVino(graph), tower.example()
                own, torch_s = _measured(ours, batch, alone)
                other, openvino_s = _measured(theirs, batch, alone)
                choice = Choice(float(_cosines(own, other).min()), torch_s, openvino_s)
        except lazy.conversion_errors() as error:
            ours.note = f"OpenVINO cannot run {tower.title} ({lazy.first_line(error)}); torch does."
            return ours
        with step(tower.title, "saving the faster one", 3, STEPS):
            if choice.takes_openvino(backend):
                save_graph(at, partial(_openvino().save_model, graph, compress_to_fp16=False))
            save_choice(at, choice)
        ours.note = choice.note(tower)
        return theirs if choice.takes_openvino(backend) else ours


@contextmanager
def _one_at_a_time(tower: Tower, at: Path) -> Iterator[None]:
    """Wait for other threads, because tracing is not safe in two, and for other processes."""
    with ExitStack() as held:
        held.enter_context(_CONVERTING)
        # Where the disk cannot be written or locked, two processes may do the same work.
        with step(tower.title, WAITING), suppress(OSError, NotImplementedError):
            at.mkdir(parents=True, exist_ok=True)
            held.enter_context(FileLock(at / "lock"))
        yield


def _cosines(ours: Floats, theirs: Floats) -> Floats:
    """Cosines between the outputs for each input, however many rows a tower gives for it."""
    result: Floats = np.einsum("ij,ij->i", _as_rows(ours), _as_rows(theirs))
    return result


def _as_rows(output: Floats) -> Floats:
    """One unit row for each input, however many rows a tower gives for it."""
    rows = output.reshape(len(output), -1)
    result: Floats = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return result


def _measured(
    runner: Runner, batch: Floats | Ints, alone: Callable[[], AbstractContextManager[None]]
) -> tuple[Floats, float]:
    """Rows, and the seconds of the fastest of a few runs, least affected by other work."""
    seconds = []
    for _ in range(RUNS):
        with alone():
            started = perf_counter()
            rows = runner(batch)
            seconds.append(perf_counter() - started)
    return rows, min(seconds)


def _convert(tower: Tower, module: torch.nn.Module) -> object:
    """The module as an OpenVINO model."""
    import torch

    ov = _openvino()
    example = torch.from_numpy(tower.example()[:2])
    kind = ov.Type.f32 if example.is_floating_point() else ov.Type.i64
    jit: Any = torch.jit
    with warnings.catch_warnings(), torch.inference_mode():
        # Tracing warns of its deprecation and of every Python branch; the rows are compared anyway,
        # which also makes torch's own check of the trace (most of its time) unnecessary.
        warnings.simplefilter("ignore")
        traced = jit.trace(module, example, check_trace=False)
        return ov.convert_model(traced, example_input=example, input=(list(tower.shape), kind))


def _openvino() -> ModuleType:
    package = lazy.openvino()
    if package is None:
        raise MissingPart("OpenVINO is not installed. Install it with: pip install openvino")
    return package


def _device() -> str:
    """The fastest device of torch."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
