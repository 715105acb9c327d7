"""Two ways to run a tower: torch itself, and OpenVINO converted from the same torch module.

Both give the same rows (the smallest cosine between them is checked once on each machine); only
speed differs. Convolutional towers run several times faster in OpenVINO on a CPU, plain
transformers little. Converted models and comparisons are cached on disk, one folder per tower,
machine and library versions.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import tempfile
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import Lock
from time import perf_counter
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from core.encoders import lazy
from core.encoders.towers import Tower
from core.errors import BadParameter, MissingPart
from core.types import Floats, Ints, digest

if TYPE_CHECKING:
    import torch


BACKENDS = ("auto", "torch", "openvino")
FORMAT = "2"
"""Version of the cached files; raise it when their meaning changes."""
PARITY = 0.9999
"""Smallest cosine allowed between a row of torch and the same row of OpenVINO."""


class Runner(Protocol):
    """Computes unit rows of a batch of a tower's input; may be called from any thread."""

    backend: str

    def __call__(self, batch: Floats | Ints) -> Floats:
        """(n, d) float32 unit rows."""
        ...


class Torch:
    """The module itself, on the fastest device of torch."""

    backend = "torch"

    def __init__(self, tower: Tower) -> None:
        lazy.open_clip()
        self._device = _device()
        # Models are loaded in training mode, where a row depends on its batch.
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
    """The same module, converted once and then read from disk without loading torch."""

    backend = "openvino"

    def __init__(self, tower: Tower, module: torch.nn.Module | None = None) -> None:
        ov = _openvino()
        cached = folder(tower.key) / "model.xml"
        source = cached if module is None and cached.exists() else _convert(tower, module)
        settings = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        self._model = ov.Core().compile_model(source, "CPU", settings)
        self._lock = Lock()

    def __call__(self, batch: Floats | Ints) -> Floats:
        """(n, d) float32 unit rows."""
        with self._lock:
            result: Floats = np.array(self._model(batch)[0], np.float32)
        return result


def start(tower: Tower, backend: str) -> tuple[Runner, str]:
    """A runner for the tower, and a sentence when it is not the requested one.

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
        return Torch(tower), ""
    choice = load_choice(tower.key) or _compare(tower)
    if choice.parity < PARITY:
        return Torch(tower), (
            f"OpenVINO is off for {tower.key}: its rows agree with torch's only to a cosine of "
            f"{choice.parity:.6f}; allowed: {PARITY} or more."
        )
    if backend == "openvino" or choice.openvino_s < choice.torch_s:
        return OpenVino(tower), ""
    return Torch(tower), ""


def _compare(tower: Tower) -> Choice:
    """Run both backends on the tower's example: parity of the rows, and seconds."""
    batch = tower.example()
    ours = Torch(tower)
    theirs = OpenVino(tower, ours.module.cpu())
    ours.module.to(_device())
    cosines = np.einsum("ij,ij->i", _as_rows(ours(batch)), _as_rows(theirs(batch)))
    choice = Choice(float(cosines.min()), _seconds(ours, batch), _seconds(theirs, batch))
    save_choice(tower.key, choice)
    return choice


def _as_rows(output: Floats) -> Floats:
    """One unit row for each input, however many rows a tower gives for it."""
    rows = output.reshape(len(output), -1)
    result: Floats = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return result


def _seconds(runner: Runner, batch: Floats | Ints, runs: int = 2) -> float:
    """The fastest of a few runs, least affected by other work of the machine."""
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
        # Tracing warns of its deprecation and of every Python branch; the rows are compared anyway,
        # which also makes torch's own check of the trace (most of its time) unnecessary.
        warnings.simplefilter("ignore")
        traced = jit.trace(module, example, check_trace=False)
        model = ov.convert_model(traced, example_input=example, input=(list(tower.shape), kind))

    def save(directory: Path) -> None:
        ov.save_model(model, directory / "model.xml", compress_to_fp16=False)

    _save(tower.key, save)
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


@dataclass(frozen=True)
class Choice:
    """Comparison of two backends on one tower: smallest cosine between their rows, seconds."""

    parity: float
    torch_s: float
    openvino_s: float


def folder(key: str) -> Path:
    """The cache folder of a tower; depends on the machine and the libraries' versions."""
    return _root() / f"{key}-{_machine()[:12]}"


def load_choice(key: str) -> Choice | None:
    """The cached comparison, or None when there is none or it cannot be read."""
    try:
        return Choice(**json.loads((folder(key) / "choice.json").read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def save_choice(key: str, choice: Choice) -> None:
    """Cache a comparison."""
    text = json.dumps(asdict(choice))
    _save(key, lambda directory: (directory / "choice.json").write_text(text, "utf-8"))


def _save(key: str, write: Callable[[Path], object]) -> None:
    """Write into a new folder, then move each file into place: readers never see half a file.

    A disk that cannot be written is no error: the cache stays empty.
    """
    target = folder(key)
    with suppress(OSError, RuntimeError):
        target.mkdir(parents=True, exist_ok=True)
        directory = Path(tempfile.mkdtemp(dir=target))
        try:
            write(directory)
            # The file that readers look for comes last, when all it needs is in place.
            for file in sorted(directory.iterdir(), key=lambda f: f.suffix == ".xml"):
                os.replace(file, target / file.name)
        finally:
            shutil.rmtree(directory, ignore_errors=True)


def _root() -> Path:
    home = os.environ.get("SEXTANT_HOME", "")
    # OpenVINO reads local files only, so that a home in object storage cannot hold them.
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
