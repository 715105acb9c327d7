"""Fitted transformations of a Space that improve retrieval."""

from core.improve.hub_bias import corrected, random_half
from core.improve.hub_corrections import HUB_CORRECTIONS

__all__ = ["HUB_CORRECTIONS", "corrected", "random_half"]
