"""Flat images of a space: one file each. Add one by adding a file."""

from collections.abc import Callable

from core.registry import Registry
from core.types import Floats

PROJECTIONS: Registry[Callable[..., Floats]] = Registry(__name__, "projection")
projection = PROJECTIONS
