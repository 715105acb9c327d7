"""Fitted transformations of a Space that improve retrieval."""

from core.improve.hub_bias import corrected, random_half
from core.improve.hub_corrections import HUB_CORRECTIONS
from core.improve.recipe import Recipe, Step, fit_recipe, parse_steps
from core.improve.recipe_file import LOADER, fingerprint, from_bytes, to_bytes
from core.improve.repairs import REPAIRS

__all__ = [
    "HUB_CORRECTIONS",
    "LOADER",
    "REPAIRS",
    "Recipe",
    "Step",
    "corrected",
    "fingerprint",
    "fit_recipe",
    "from_bytes",
    "parse_steps",
    "random_half",
    "to_bytes",
]
