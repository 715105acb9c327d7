"""What was worked out once about a tower on this machine, kept on disk between starts.

    <home>/cache/encoders/<tower>-<machine>/choice.json     which backend was faster, and how equal
                                            model.xml .bin  the tower as OpenVINO reads it

Everything here can be deleted at any time; it is then worked out again.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from core.types import digest

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
