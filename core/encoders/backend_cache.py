"""Converted towers and comparisons of two backends, cached on disk.

One folder per tower, machine and library versions; a tower's key holds the identity of its model,
so that no model runs the graph of another.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from core.encoders.towers import Tower
from core.types import digest

GRAPH = "model.xml"
FORMAT = "3"
"""Version of the cached files; raise it when their meaning changes."""
LIBRARIES = ("torch", "openvino", "open_clip_torch", "timm", "transformers")
PARITY = 0.99999
"""Smallest cosine allowed between a row of torch and the same row of OpenVINO."""


@dataclass(frozen=True)
class Choice:
    """Comparison of two backends on one tower: smallest cosine between their rows, seconds."""

    parity: float
    torch_s: float
    openvino_s: float

    def takes_openvino(self, backend: str) -> bool:
        """Whether OpenVINO gives the same rows and is requested or faster."""
        return self.parity >= PARITY and (backend == "openvino" or self.openvino_s < self.torch_s)

    def note(self, tower: Tower) -> str:
        """Why OpenVINO is off, in a sentence; "" where its rows agree."""
        if self.parity >= PARITY:
            return ""
        return (
            f"OpenVINO is off for {tower.title}: its rows agree with torch's only to a cosine of "
            f"{self.parity:.6f}; allowed: {PARITY} or more."
        )


def folder(key: str) -> Path:
    """The cache folder of a tower; depends on the machine and the libraries' versions."""
    return _root() / f"{key}-{_machine()[:12]}"


def load_choice(at: Path) -> Choice | None:
    """The comparison cached in a folder, or None when there is none or it cannot be read."""
    try:
        return Choice(**json.loads((at / "choice.json").read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def save_choice(at: Path, choice: Choice) -> None:
    """Cache a comparison."""
    text = json.dumps(asdict(choice))
    _save(at, lambda directory: (directory / "choice.json").write_text(text, "utf-8"))


def save_graph(at: Path, write: Callable[[Path], object]) -> None:
    """Cache a converted tower, which `write` writes, and delete those of the format before this."""
    _save(at, lambda directory: write(directory / GRAPH))
    for old in at.parents[1].glob("*-*/choice.json"):
        shutil.rmtree(old.parent, ignore_errors=True)


def _save(at: Path, write: Callable[[Path], object]) -> None:
    """Write into a new folder, then move each file into place: readers never see half a file.

    A disk that cannot be written is no error: the cache stays empty.
    """
    with suppress(OSError, RuntimeError):
        at.mkdir(parents=True, exist_ok=True)
        directory = Path(tempfile.mkdtemp(dir=at))
        try:
            write(directory)
            # The file that readers look for comes last, when all it needs is in place.
            for file in sorted(directory.iterdir(), key=lambda f: f.suffix == ".xml"):
                os.replace(file, at / file.name)
        finally:
            shutil.rmtree(directory, ignore_errors=True)


def _root() -> Path:
    home = os.environ.get("SEXTANT_HOME", "")
    # OpenVINO reads local files only, so that a home in object storage cannot hold them.
    local = Path(home) if home and "://" not in home else Path.home() / ".sextant"
    return local / "cache" / "encoders" / FORMAT


@cache
def _machine() -> str:
    facts = [platform.machine(), platform.processor(), platform.node(), str(os.cpu_count())]
    return digest(*facts, *map(_version, LIBRARIES))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"
