"""A recipe as one safetensors file: its arrays, with steps and encoder as JSON in the header.

Tensors are named `{step}.{rows or queries}.{image or text}.{matrix or shift}`; `queries` only where
they differ from `rows`. `LOADER` is all that another program needs to apply one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from safetensors import SafetensorError
from safetensors.numpy import load, save

from core.errors import InputError, PassportMismatch
from core.improve.recipe import Recipe, Step
from core.improve.repairs import AffineMap, FittedRepair, Maps
from core.types import KINDS, Floats, Passport, digest

HEADER = "sextant_recipe"
FORMAT = 1
LOADER = '''\
import json
import numpy as np
from safetensors import safe_open

def load_recipe(path):
    """A function that repairs (n, d) rows: kind "image" or "text", part "rows" or "queries"."""
    file = safe_open(path, "numpy")
    stored = {name: file.get_tensor(name) for name in file.keys()}
    repairs = json.loads(file.metadata()["sextant_recipe"])["repairs"]
    def apply(rows, kind, part="queries"):
        for i in range(repairs):
            at = f"{i}.{part}.{kind}"
            at = at if f"{at}.shift" in stored else f"{i}.rows.{kind}"
            rows = rows @ stored[f"{at}.matrix"] if f"{at}.matrix" in stored else rows
            rows = rows + stored[f"{at}.shift"]
            rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return rows
    return apply
'''


def to_bytes(recipe: Recipe, passport: Passport) -> bytes:
    """The file of a recipe that was fitted on vectors of an encoder."""
    arrays: dict[str, Floats] = {}
    for i, one in enumerate(recipe.fitted):
        for part, maps in (("rows", one.rows), ("queries", one.queries or {})):
            for kind, each in maps.items():
                arrays[f"{i}.{part}.{kind}.shift"] = each.shift
                if each.matrix is not None:
                    arrays[f"{i}.{part}.{kind}.matrix"] = each.matrix
    header = {
        "format": FORMAT,
        "repairs": len(recipe.fitted),
        "steps": [{"name": s.name, "settings": dict(s.settings)} for s in recipe.steps],
        "passport": json.loads(passport.to_json()),
    }
    return save(arrays, {HEADER: json.dumps(header)})


def from_bytes(data: bytes, passport: Passport) -> Recipe:
    """The recipe of a file.

    Args:
        data: of the file.
        passport: of the vectors that it is for.

    Raises:
        InputError: the file is none of a recipe.
        PassportMismatch: the recipe was fitted on vectors of another encoder.
    """
    header = _header(data)
    fitted_on = Passport(**header["passport"])
    if fitted_on.model != passport.model:
        raise PassportMismatch(
            fitted_on.model, [("recipe", fitted_on.model, f"for vectors of {passport.model}")]
        )
    passport.check(fitted_on)
    arrays = load(data)
    steps = tuple(Step(s["name"], s["settings"]) for s in header["steps"])
    return Recipe(
        steps,
        tuple(
            FittedRepair(_maps(arrays, f"{i}.rows"), _maps(arrays, f"{i}.queries") or None)
            for i in range(header["repairs"])
        ),
    )


def fingerprint(data: bytes) -> str:
    """Identity of a recipe's file, short."""
    return digest(data)[:12]


def _header(data: bytes) -> dict[str, Any]:
    try:
        load(data)
        length = int.from_bytes(data[:8], "little")
        header = json.loads(json.loads(data[8 : 8 + length])["__metadata__"][HEADER])
    except (SafetensorError, ValueError, KeyError) as error:
        raise InputError(
            "This file is none of a recipe. Export one on the Repair page, or with: sextant repair "
            "NAME --steps STEPS --export FILE"
        ) from error
    if header["format"] != FORMAT:
        raise InputError("The recipe was written by a newer Sextant. Update Sextant to read it.")
    result: dict[str, Any] = header
    return result


def _maps(arrays: Mapping[str, Floats], at: str) -> Maps:
    return {
        kind: AffineMap(arrays[f"{at}.{kind}.shift"], arrays.get(f"{at}.{kind}.matrix"))
        for kind in KINDS
        if f"{at}.{kind}.shift" in arrays
    }
