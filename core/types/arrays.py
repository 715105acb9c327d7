"""Aliases for array types and the literals shared by every package."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt

Kind = Literal["image", "text"]
KINDS: tuple[Kind, ...] = ("image", "text")
Scope = Literal["image", "text", "joint", "pairs"]
SCOPE_NAMES: Mapping[Scope, str] = {
    "image": "images", "text": "texts", "joint": "both", "pairs": "pairs"
}  # fmt: skip
Verdict = Literal["good", "watch", "bad", "unknown"]
Value = str | int | float | bool
Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Progress = Callable[[int, int], None]
