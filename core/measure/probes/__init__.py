"""Tests of an encoder itself, from what it made of changed pictures and cut texts: one file each.

A finding is named after its probe and the change: "invariance: rotation".
"""

from collections.abc import Callable

from core.registry import Registry
from core.types import Finding

PROBES: Registry[Callable[..., tuple[Finding, ...]]] = Registry(__name__, "probe")
probe = PROBES
