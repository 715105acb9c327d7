"""Which encoders to suggest, and whether the place they come from can be reached."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Suggestion:
    """An encoder worth offering: its name, the size of its download, and what it is good for."""

    name: str
    megabytes: int
    note: str


SUGGESTIONS = (
    Suggestion("starter", 0, "Built in, fast, for first steps; knows everyday things."),
    Suggestion("MobileCLIP2-S0/dfndr2b", 299, "Small and quick, far better than the starter."),
    Suggestion("ViT-B-32/datacomp_xl_s13b_b90k", 605, "The usual baseline; fast on any machine."),
    Suggestion("ViT-B-16/dfn2b", 598, "Sharper than B-32, about four times the work."),
    Suggestion("ViT-B-16-SigLIP2/webli", 1501, "Many languages, good fine-grained matches."),
    Suggestion("ViT-L-14-quickgelu/dfn2b", 1710, "High quality; a graphics card helps."),
    Suggestion("ViT-H-14-quickgelu/dfn5b", 3944, "Among the best; wants a graphics card."),
)
"""From small to large. Megabytes are those of float32 weights."""


def reachable(seconds: float = 2.0) -> bool:
    """Whether the hub answers; asked only on demand, as it may take that long.

    `HF_ENDPOINT` names another hub; `HF_HUB_OFFLINE=1` means that there is none.
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
def only_what_is_here() -> Iterator[None]:
    """Let the hub's library look at its own cache only; else it keeps trying for a minute."""
    constants: Any = import_module("huggingface_hub.constants")
    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before
