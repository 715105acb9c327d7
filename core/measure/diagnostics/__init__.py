"""Measurements of a space: one file each. Add one by adding a file."""

from collections.abc import Callable

from core.registry import Registry
from core.types import Finding

DIAGNOSTICS: Registry[Callable[..., tuple[Finding, ...]]] = Registry(__name__, "diagnostic")
diagnostic = DIAGNOSTICS
