"""Recipes stored with a collection: kept, listed, taken along as a file, and applied."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from core.errors import BadParameter, UnknownName
from core.improve import Recipe, fingerprint, from_bytes, to_bytes, to_onnx
from core.types import SpaceCache

if TYPE_CHECKING:
    from core.store import EncodedCollection

LONGEST = 60  # characters of a recipe's name
_SPACES = SpaceCache(2)  # few: each holds the vectors of its collection in memory


def keep_recipe(opened: EncodedCollection, name: str, recipe: Recipe) -> None:
    """Store a fitted recipe with the collection, in place of an earlier one of that name.

    Raises:
        BadParameter: a name that is empty, too long, or has line breaks.
    """
    if not (name.strip() and len(name) <= LONGEST and name.isprintable()):
        allowed = f"a name of 1 to {LONGEST} printable characters"
        raise BadParameter("recipe", repr(name), allowed)
    opened.collection.artifacts.write_recipe(name, recipe_bytes(opened, recipe))


def recipe_bytes(opened: EncodedCollection, recipe: Recipe) -> bytes:
    """A fitted recipe as a file that other programs can apply; see `core.improve.LOADER`."""
    return to_bytes(recipe, opened.passport)


def recipe_onnx(opened: EncodedCollection, recipe: Recipe) -> bytes:
    """A fitted recipe as an ONNX model; see `core.improve.ONNX_LOADER`.

    Raises:
        MissingPart: the library `onnx` is not installed.
    """
    return to_onnx(recipe, opened.passport)


def recipes(opened: EncodedCollection) -> tuple[str, ...]:
    """Names of the stored recipes, newest first."""
    return opened.collection.artifacts.recipes()


def delete_recipe(opened: EncodedCollection, name: str) -> None:
    """Delete a stored recipe; vectors are not touched."""
    opened.collection.artifacts.delete_recipe(name)


def recipe_file(opened: EncodedCollection, name: str) -> bytes:
    """A stored recipe as a file that other programs can apply; see `core.improve.LOADER`.

    Raises:
        UnknownName: no such recipe.
    """
    data = opened.collection.artifacts.read_recipe(name)
    if data is None:
        raise UnknownName("recipe", name, recipes(opened))
    return data


def import_recipe(opened: EncodedCollection, name: str, data: bytes) -> None:
    """Store a recipe from a file.

    Raises:
        InputError: it is not a recipe file.
        PassportMismatch: it was fitted on vectors of another encoder.
        BadParameter: see `keep_recipe`.
    """
    keep_recipe(opened, name, from_bytes(data, opened.passport))


def repaired(opened: EncodedCollection, name: str) -> EncodedCollection:
    """The collection repaired by a stored recipe: searched and measured like any other.

    Its hub correction is fitted on all items that are not held out.

    Raises:
        UnknownName: no such recipe.
        PassportMismatch: it was fitted on vectors of another encoder.
    """
    data = recipe_file(opened, name)
    mark, recipe = fingerprint(data), from_bytes(data, opened.passport)
    space = _SPACES.get(
        (opened.space.key, mark), lambda: recipe.space(opened.space, held_out=opened.held_out())
    )
    return replace(opened, space=space, recipe=mark, repair=recipe, unrepaired=opened.space)
