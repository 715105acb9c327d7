"""Flat images of a space: one file each. Add one by adding a file.

A part takes the space, then where to start (places (n, 2) of an earlier map, or None) and the
progress, both of which it may ignore. Traits: `slow` runs in the background, `cost` tells how long.
"""

from collections.abc import Callable

from core.registry import Registry
from core.types import Floats

PROJECTIONS: Registry[Callable[..., Floats]] = Registry(__name__, "projection")
projection = PROJECTIONS
