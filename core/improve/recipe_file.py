"""A recipe as one safetensors file: its arrays, with steps and encoder as JSON in the header.

Tensors are named `{step}.{rows or queries}.{image or text}.{name}`; `queries` only where they
differ from `rows`. The names are those of `RowMap` and its `Layer`: shift, matrix, inner, bias,
outer, and kept (2,), the layer's `best` and `parts`. `LOADER` is all that another program needs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from core.errors import InputError, PassportMismatch
from core.improve.recipe import Recipe, Step
from core.improve.repairs import FittedRepair, Layer, Maps, RowMap
from core.types import KINDS, Passport, digest

HEADER = "sextant_recipe"
FORMAT = 2  # of files with a layer; the others are written as 1, which earlier versions read
NAMES = ("shift", "matrix", "inner", "bias", "outer", "kept")
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
            moved = rows @ stored[f"{at}.matrix"] if f"{at}.matrix" in stored else rows
            moved = moved + stored[f"{at}.shift"]
            if f"{at}.inner" in stored:
                best, parts = stored[f"{at}.kept"]
                units = rows @ stored[f"{at}.inner"] + stored[f"{at}.bias"]
                units = units.reshape(len(rows), parts, -1)
                least = np.sort(units)[..., -best, None] if best else 0
                units = np.where(units >= least, units, 0).reshape(len(rows), -1)
                moved = moved + units @ stored[f"{at}.outer"]
            rows = moved / np.linalg.norm(moved, axis=1, keepdims=True)
        return rows
    return apply
'''


def to_bytes(recipe: Recipe, passport: Passport) -> bytes:
    """The file of a recipe that was fitted on vectors of an encoder."""
    arrays = {
        f"{i}.{part}.{kind}.{name}": array
        for i, one in enumerate(recipe.fitted)
        for part, maps in (("rows", one.rows), ("queries", one.queries or {}))
        for kind, each in maps.items()
        for name, array in _arrays(each).items()
    }
    header = {
        "format": FORMAT if any(name.endswith(".inner") for name in arrays) else 1,
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
        InputError: it is not a recipe file.
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
            "This is not a recipe file. Export one on the Repair page, or with: sextant repair "
            "NAME --steps STEPS --export FILE"
        ) from error
    if header["format"] > FORMAT:
        raise InputError("The recipe was written by a newer Sextant. Update Sextant to read it.")
    result: dict[str, Any] = header
    return result


def _arrays(one: RowMap) -> dict[str, Any]:
    """The arrays of a map by name."""
    arrays: dict[str, Any] = {"shift": one.shift}
    if one.matrix is not None:
        arrays["matrix"] = one.matrix
    if one.layer:
        kept = np.array([one.layer.best, one.layer.parts])
        arrays |= {"inner": one.layer.inner, "bias": one.layer.bias, "outer": one.layer.outer}
        arrays["kept"] = kept
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def _maps(arrays: Mapping[str, Any], at: str) -> Maps:
    return {
        kind: _map({name: arrays.get(f"{at}.{kind}.{name}") for name in NAMES})
        for kind in KINDS
        if f"{at}.{kind}.shift" in arrays
    }


def _map(arrays: Mapping[str, Any]) -> RowMap:
    layer = None
    if arrays["inner"] is not None:
        best, parts = arrays["kept"].tolist()
        layer = Layer(arrays["inner"], arrays["bias"], arrays["outer"], best, parts)
    return RowMap(arrays["shift"], arrays["matrix"], layer)
