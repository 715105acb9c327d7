"""Two ways to run a tower: torch itself, and OpenVINO converted from the same torch module.

Both give the same rows (the smallest cosine is checked once on each machine); only speed differs.
Convolutional towers gain several times from OpenVINO on a CPU, plain transformers little.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from threading import Lock
from time import perf_counter
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from core.encoders import lazy
from core.encoders.towers import Tower
from core.errors import BadParameter, MissingPart
from core.types import Floats, Ints

if TYPE_CHECKING:
    import torch


import json
import os
import platform
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from core.types import digest

BACKENDS = ("auto", "torch", "openvino")
PARITY = 0.9999
"""Smallest cosine allowed between a row of torch and the same row of OpenVINO."""


class Runner(Protocol):
    """Turns a batch of a tower's input into unit rows; may be called from any thread."""

    backend: str

    def __call__(self, batch: Floats | Ints) -> Floats:
        """(n, d) float32 unit rows."""
        ...


class Torch:
    """The module itself, on the fastest device that torch finds."""

    backend = "torch"

    def __init__(self, tower: Tower) -> None:
        lazy.open_clip()
        self._device = _device()
        # A model arrives in training mode, where a row depends on its batch.
        self.module = tower.build().eval().requires_grad_(False).to(self._device)
        self._lock = Lock()

    def __call__(self, batch: Floats | Ints) -> Floats:
        """(n, d) float32 unit rows."""
        import torch

        with self._lock, torch.inference_mode():
            rows = self.module(torch.from_numpy(batch).to(self._device))
            result: Floats = rows.float().cpu().numpy()
        return result


class OpenVino:
    """The same module, converted once and then read from disk without loading torch at all."""

    backend = "openvino"

    def __init__(self, tower: Tower, module: torch.nn.Module | None = None) -> None:
        ov = _openvino()
        kept = folder(tower.key) / "model.xml"
        source = kept if module is None and kept.exists() else _convert(tower, module)
        settings = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        self._model = ov.Core().compile_model(source, "CPU", settings)
        self._lock = Lock()

    def __call__(self, batch: Floats | Ints) -> Floats:
        """(n, d) float32 unit rows."""
        with self._lock:
            result: Floats = np.array(self._model(batch)[0], np.float32)
        return result


def start(tower: Tower, backend: str) -> tuple[Runner, str]:
    """A runner for the tower, and a sentence when it is not the one that was asked for.

    Raises:
        BadParameter: no such backend.
        MissingPart: OpenVINO was asked for and is not installed, or weights are not as expected.
    """
    if backend not in BACKENDS:
        raise BadParameter("backend", backend, ", ".join(BACKENDS))
    if backend == "openvino":
        _openvino()
    tower.verify()
    if backend == "torch" or lazy.openvino() is None:
        return Torch(tower), ""
    found = choice(tower.key) or _compare(tower)
    if found.parity < PARITY:
        return Torch(tower), (
            f"OpenVINO is off for {tower.key}: its rows agree with torch's only to a cosine of "
            f"{found.parity:.6f}; allowed: {PARITY} or more."
        )
    if backend == "openvino" or found.openvino_s < found.torch_s:
        return OpenVino(tower), ""
    return Torch(tower), ""


def _compare(tower: Tower) -> Choice:
    """Run both backends on the tower's example: are the rows the same, and which is faster?"""
    batch = tower.example()
    ours = Torch(tower)
    theirs = OpenVino(tower, ours.module.cpu())
    ours.module.to(_device())
    cosines = np.einsum("ij,ij->i", _as_rows(ours(batch)), _as_rows(theirs(batch)))
    found = Choice(float(cosines.min()), _seconds(ours, batch), _seconds(theirs, batch))
    keep_choice(tower.key, found)
    return found


def _as_rows(found: Floats) -> Floats:
    """One unit row for each input, however many rows a tower makes of it."""
    rows = found.reshape(len(found), -1)
    result: Floats = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return result


def _seconds(runner: Runner, batch: Floats | Ints, runs: int = 2) -> float:
    """The best of a few runs: what else the machine does at the time counts least."""
    best = float("inf")
    for _ in range(runs):
        started = perf_counter()
        runner(batch)
        best = min(best, perf_counter() - started)
    return best


def _convert(tower: Tower, module: torch.nn.Module | None) -> object:
    """The tower as an OpenVINO model; also written to disk where that is possible."""
    import torch

    ov = _openvino()
    lazy.open_clip()
    module = module or tower.build().eval().requires_grad_(False)
    example = torch.from_numpy(tower.example()[:2])
    kind = ov.Type.f32 if example.is_floating_point() else ov.Type.i64
    jit: Any = torch.jit
    with warnings.catch_warnings(), torch.inference_mode():
        # Tracing announces its retirement and every Python branch; the rows are compared anyway,
        # which also makes torch's own second look at the trace (most of its time) superfluous.
        warnings.simplefilter("ignore")
        traced = jit.trace(module, example, check_trace=False)
        model = ov.convert_model(traced, example_input=example, input=(list(tower.shape), kind))

    def save(place: Path) -> None:
        ov.save_model(model, place / "model.xml", compress_to_fp16=False)

    keep_files(tower.key, save)
    return model


def _openvino() -> ModuleType:
    package = lazy.openvino()
    if package is None:
        raise MissingPart("OpenVINO is not installed. Install it with: pip install openvino")
    return package


def _device() -> torch.device:
    import torch

    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


FORMAT = "2"
"""Goes up when what is kept changes its meaning."""


@dataclass(frozen=True)
class Choice:
    """How two backends compared on one tower: smallest cosine between their rows, seconds."""

    parity: float
    torch_s: float
    openvino_s: float


def folder(key: str) -> Path:
    """Where things about a tower are kept; depends on the machine and the libraries' versions."""
    return _root() / f"{key}-{_machine()[:12]}"


def choice(key: str) -> Choice | None:
    """The remembered comparison, or None when there is none that can be read."""
    try:
        return Choice(**json.loads((folder(key) / "choice.json").read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def keep_choice(key: str, made: Choice) -> None:
    """Remember a comparison; a disk that cannot be written is no reason to stop."""
    _keep(key, lambda place: (place / "choice.json").write_text(json.dumps(asdict(made)), "utf-8"))


def keep_files(key: str, write: Callable[[Path], object]) -> Path | None:
    """Let `write` put files into the tower's folder; None when the disk cannot be written."""
    return folder(key) if _keep(key, write) else None


def _keep(key: str, write: Callable[[Path], object]) -> bool:
    """Write into a new folder, then move each file into place: readers never see half a file."""
    target = folder(key)
    try:
        target.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(dir=target))
        try:
            write(place)
            # The file that is looked for comes last, when all it needs is in place.
            for file in sorted(place.iterdir(), key=lambda f: f.suffix == ".xml"):
                os.replace(file, target / file.name)
        finally:
            shutil.rmtree(place, ignore_errors=True)
    except (OSError, RuntimeError):
        return False
    return True


def _root() -> Path:
    home = os.environ.get("SEXTANT_HOME", "")
    # A home in object storage has no place for files that are read in place.
    local = Path(home) if home and "://" not in home else Path.home() / ".sextant"
    return local / "cache" / "encoders"


@cache
def _machine() -> str:
    facts = [platform.machine(), platform.processor(), platform.node(), str(os.cpu_count())]
    return digest(FORMAT, *facts, *map(_version, ("torch", "openvino", "open_clip_torch")))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"
