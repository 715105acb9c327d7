"""What can be done about it: fitted transformations of a Space."""

from core.improve.hub_bias import corrected, random_half
from core.improve.hub_corrections import HUB_CORRECTIONS

__all__ = ["HUB_CORRECTIONS", "corrected", "random_half"]
