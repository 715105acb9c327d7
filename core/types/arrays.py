"""Short names for the types of arrays and words that everything speaks in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt

Kind = Literal["image", "text"]
KINDS: tuple[Kind, ...] = ("image", "text")
Scope = Literal["image", "text", "joint", "pairs"]
Verdict = Literal["good", "watch", "bad", "unknown"]
Value = str | int | float | bool
Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Progress = Callable[[int, int], None]
