"""What stands behind an evaluation: misses, groups, labels, and two encoders compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from core import encoders, search
from core.errors import InputError, SextantError, UnknownName
from core.measure import (
    Classification,
    Direction,
    Evaluation,
    GroupRecall,
    LabelRetrieval,
    Misses,
    QueryRanks,
    Versus,
    attribute_terms,
    compare_directions,
    find_misses,
    shared_items,
)
from core.measure import classify as measure_classify
from core.measure import evaluate as measure_evaluate
from core.measure import images_of_label as measure_images_of_label
from core.measure import recall_by_group as measure_recall_by_group
from core.types import Bools, Kind, Space, SpaceCache, per_space
from core.workbench.held_out import held_out_rows
from core.workbench.measure import judged_spaces
from core.workbench.zero_shot import own_label_set

if TYPE_CHECKING:
    from core.store import EncodedCollection

DIRECTIONS = ("text_to_image", "image_to_text")
LABEL, LENGTH = "label", "caption length"
GROUPS = 200  # values of an attribute whose items are groups
_CLASSES = SpaceCache(16)


@dataclass(frozen=True)
class Labels:
    """What labels alone can evaluate; what cannot be measured is None, `lacks` says why."""

    classification: Classification | None
    image_to_image: LabelRetrieval | None
    lacks: dict[str, str]


def misses(
    opened: EncodedCollection, result: Evaluation, direction: str, *, hub_correction: str = ""
) -> Misses:
    """The queries of a direction that miss at 10, hardest first, and why each does.

    Args:
        opened: the collection.
        result: of `evaluate`, with the same hubness correction.
        direction: "text_to_image" or "image_to_text".
        hub_correction: of the ranking.
    """
    kind: Kind = "text" if direction == "text_to_image" else "image"
    space = judged_spaces(opened, held_out_rows(opened), hub_correction)[kind]
    return find_misses(
        space,
        getattr(result, direction),
        hubs=search.hub_ratios(space),
        cut=partial(_cut, opened) if not opened.passport.long_text else None,
    )


def group_fields(opened: EncodedCollection, direction: str) -> tuple[str, ...]:
    """The fields that queries can be grouped by: label, attributes with few values or numbers."""
    space = opened.space
    names = [LABEL] if any(space.labels[: space.n_images]) else []
    names += [f.name for f in _attributes(opened) if f.type == "float" or len(f.values) > 1]
    return (*names, *([LENGTH] if direction == "text_to_image" and len(space.text_lengths) else []))


def recall_by_group(
    opened: EncodedCollection, result: Evaluation, direction: str, field: str
) -> tuple[GroupRecall, ...]:
    """Recall@10 of the queries of each group, lowest first; see `core.measure.group_recall`.

    Args:
        opened: the collection.
        result: of `evaluate`.
        direction: "text_to_image" or "image_to_text".
        field: one of `group_fields`. A query's value is its image's, or its own without one;
            more than 12 different numbers are four groups of about equal size, as on the map.

    Raises:
        UnknownName: no such field.
    """
    known = group_fields(opened, direction)
    if field not in known:
        raise UnknownName("field for groups", field, known)
    scored: Direction = getattr(result, direction)
    images = opened.space.image_of[scored.queries]
    if field == LABEL:
        labels = opened.space.labels
        return measure_recall_by_group(scored, _members([labels[i] for i in images.tolist()]))
    if field == LENGTH:
        lengths = opened.space.text_lengths[scored.queries - opened.space.n_images].tolist()
        terms = [tuple(f"{one} characters" for one in own) for own in attribute_terms(lengths)]
        return measure_recall_by_group(scored, _members(terms))
    column = opened.collection.table(opened.space.ids)[field.removesuffix(" (attribute)")]
    all_values = column.to_pylist()
    values = [
        all_values[query] if all_values[image] is None else all_values[image]
        for image, query in zip(images.tolist(), scored.queries.tolist(), strict=True)
    ]
    return measure_recall_by_group(scored, _members(attribute_terms(values)))


def score_by_label(opened: EncodedCollection) -> Labels:
    """Zero-shot accuracy with the labels' names as texts, and image to image by label.

    Raises:
        InputError: the collection has no labels.
    """
    lacks: dict[str, str] = {}
    classification, image_to_image = None, None
    try:
        # An error is not cached: the encoder may be there next time.
        key = opened.space.key, opened.passport
        classification = _CLASSES.get(key, partial(_classified, opened))
    except SextantError as error:
        if not any(opened.space.labels):
            raise
        lacks["classification"] = str(error)
    try:
        image_to_image = _images_of_label(opened.space)
    except SextantError as error:
        lacks["image_to_image"] = str(error)
    return Labels(classification, image_to_image, lacks)


def compare_encoders(a: EncodedCollection, b: EncodedCollection) -> dict[str, Versus]:
    """Both directions of two encoders on the queries and candidates that both have encoded.

    Raises:
        InputError: both are the same encoder.
        TooFew: fewer than two shared pairs.
    """
    if a.passport == b.passport:
        raise InputError(f"Both are encoded with '{a.passport.model}'. Name another encoder.")
    first, second = shared_items(a.space, b.space)
    one, other = (
        measure_evaluate(s, judged=s.held_out if len(s.held_out) else None) for s in (first, second)
    )
    return {
        name: compare_directions(first, second, getattr(one, name), getattr(other, name))
        for name in DIRECTIONS
    }


def query_ranks(opened: EncodedCollection, result: Evaluation) -> dict[str, QueryRanks]:
    """Rank of the true item of each query, by direction: what a paired comparison needs."""
    ids = opened.space.ids
    return {
        name: QueryRanks(
            tuple(ids[row] for row in scored.queries),
            tuple(scored.first_ranks.tolist()),
            tuple(scored.groups.tolist()),
        )
        for name in DIRECTIONS
        for scored in [getattr(result, name)]
    }


def _classified(opened: EncodedCollection) -> Classification:
    named = own_label_set(opened)
    return measure_classify(opened.space, named.names, named.vectors)


@per_space
def _images_of_label(space: Space) -> LabelRetrieval:
    return measure_images_of_label(space)


def _attributes(opened: EncodedCollection) -> list[Any]:
    """Attributes whose values are groups, as fields."""
    own = ("kind", "label", "name", "text")
    return [
        f
        for f in opened.collection.fields()
        if f.name not in own and (f.low is not None or 1 < len(f.values) <= GROUPS)
    ]


def _members(terms: Sequence[Sequence[str]]) -> dict[str, list[int]]:
    """For each term the places of the queries that have it."""
    members: dict[str, list[int]] = {}
    for place, own in enumerate(terms):
        for term in own:
            members.setdefault(term, []).append(place)
    return members


def _cut(opened: EncodedCollection, rows: Sequence[int]) -> Bools:
    """Whether the encoder reads only the beginning of the texts of some rows."""
    result = np.zeros(len(rows), bool)
    try:
        encoder = search.encoder_for(opened.passport)
    except SextantError:
        return result  # vectors that were brought along: nothing is known about their context
    texts = {item.id: item.text for item in opened.collection.items(
        list(dict.fromkeys(opened.space.ids[row] for row in rows)))}  # fmt: skip
    for place, row in enumerate(rows):
        result[place] = bool(encoders.long_text_note(encoder, texts[opened.space.ids[row]]))
    return result
