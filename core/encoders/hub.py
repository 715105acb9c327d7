"""Suggested encoders, and whether the model hub is reachable."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

BUILT_IN = ("starter", "toy")


@dataclass(frozen=True)
class Suggestion:
    """A suggested encoder: its name, the size of its download, and its use."""

    name: str
    megabytes: int
    note: str


SUGGESTIONS = (
    Suggestion("starter", 0, "Built in and fast; for everyday images and short captions."),
    Suggestion("MobileCLIP2-S0/dfndr2b", 299, "Small and fast, far better than the starter."),
    Suggestion("ViT-B-32/datacomp_xl_s13b_b90k", 605, "The usual baseline; fast on any machine."),
    Suggestion("ViT-B-16/dfn2b", 598, "More accurate than B-32, about four times the work."),
    Suggestion("ViT-B-16-SigLIP2/webli", 1501, "Many languages, good fine-grained matches."),
    Suggestion("ViT-L-14-quickgelu/dfn2b", 1710, "High quality; faster on a GPU."),
    Suggestion("ViT-H-14-quickgelu/dfn5b", 3944, "Among the best; needs a GPU."),
)
"""From small to large. Megabytes are those of float32 weights."""


def folder_of(name: str) -> Path | None:
    """The folder that a name of an encoder means; None for every other name."""
    if name in BUILT_IN:
        return None
    try:
        folder = Path(name.removeprefix("local-dir:")).expanduser()
        return folder if name.startswith("local-dir:") or (name and folder.is_dir()) else None
    except (OSError, ValueError, RuntimeError):  # too long, a null byte, ~nobody
        return None


def reachable(seconds: float = 2.0) -> bool:
    """Whether the hub is reachable; may take as long as `seconds`.

    `HF_ENDPOINT` is the address of another hub; `HF_HUB_OFFLINE=1` means none.
    """
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        return False
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    try:
        urllib.request.urlopen(urllib.request.Request(endpoint, method="HEAD"), timeout=seconds)
    except urllib.error.HTTPError:
        return True
    except (OSError, ValueError):
        return False
    return True


@contextmanager
def cache_only() -> Iterator[None]:
    """Restrict the hub's library to its local cache; otherwise it retries for a minute."""
    constants: Any = import_module("huggingface_hub.constants")
    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before
