"""Measuring: diagnostics and recall of a space."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from core.errors import TooFew, UnknownName
from core.improve import corrected, random_half
from core.ingest import decode, thumbnail
from core.measure import DIAGNOSTICS, HELD_OUT, Analogies, Evaluation, gained
from core.measure import analogies as measure_analogies
from core.measure import evaluate as measure_evaluate
from core.report import Evidence, evidence_ids
from core.search import label_vectors
from core.types import Finding, Mix, Space

if TYPE_CHECKING:
    from core.store import EncodedCollection

THUMBNAIL = 112  # pixels: the longest side of an image in a report


def measure(
    space: Space,
    names: Sequence[str] = (),
    *,
    on_part: Callable[[str], None] = lambda part: None,
) -> tuple[tuple[Finding, ...], dict[str, str]]:
    """Run diagnostics on a space: the one place where that is done.

    Args:
        space: what to measure.
        names: of diagnostics; all of them without.
        on_part: called with each diagnostic's name before it runs.

    Returns:
        the findings, and for each diagnostic that has too few items to run the sentence that says
        what it lacks.

    Raises:
        UnknownName: no such diagnostic.
    """
    findings: list[Finding] = []
    lacks: dict[str, str] = {}
    for part in [DIAGNOSTICS.get(name) for name in names] or DIAGNOSTICS.all().values():
        on_part(part.name)
        try:
            findings += part(space)
        except TooFew as error:
            lacks[part.name] = str(error)
    return tuple(findings), lacks


def evaluate(opened: EncodedCollection, *, hub_correction: str = "") -> Evaluation:
    """Recall, median rank and mAP in both directions from the collection's pairs.

    Where items carry `split`, only the pairs whose both ends are `test` are evaluated. A hubness
    correction is fitted on the others; without `split`, on a random half of the items while the
    pairs of the other half are evaluated. The sentence then reports the gain on the same pairs.

    Raises:
        UnknownName: no such hubness correction.
        TooFew: fewer than two pairs.
    """
    space, judged = opened.space, opened.held_out()
    if not hub_correction and (judged is not None or not opened.recipe):
        return measure_evaluate(space, judged=judged)
    which = HELD_OUT
    if judged is None:
        judged, which = random_half(space), "a random half of the items:"
    if not hub_correction:  # the other half is what the recipe was fitted on
        return measure_evaluate(space, judged=judged, which=which)
    better = corrected(space, hub_correction, held_out=judged)
    plain = measure_evaluate(space, judged=judged, which=which)
    result = measure_evaluate(better, judged=judged, which=which)
    there = _gain(gained(result.text_to_image, plain.text_to_image))
    back = _gain(gained(result.image_to_text, plain.image_to_text))
    return replace(
        result,
        sentence=f"{result.sentence} {better.steps[-1]}. Recall@1 on the same pairs, against "
        f"cosine alone: {there} from text to image and {back} from image to text.",
    )


def without_tags(opened: EncodedCollection, tags: Collection[str]) -> EncodedCollection:
    """The collection without what bears one of the tags, for `evaluate` and other measurements.

    Tagged items and tagged pairs are left out, and the texts that then have no image: they are no
    candidates either.

    Raises:
        UnknownName: nothing bears that tag.
    """
    space, known = opened.space, opened.collection.tags.all()
    for tag in tags:
        if all(tag != one.name for one in known):
            raise UnknownName("tag", tag, sorted({one.name for one in known}))
    keep, kept = np.ones(space.n, bool), np.ones(len(space.pairs), bool)
    place = {(int(image), int(text)): i for i, (image, text) in enumerate(space.pairs)}
    for one in known:
        rows = tuple(space.row.get(id_, -1) for id_ in one.ids)
        if one.name not in tags or min(rows) < 0:
            continue
        if len(rows) == 1:
            keep[rows[0]] = False
        elif rows in place:
            kept[place[rows]] = False
    kept &= keep[space.pairs].all(axis=1)
    keep[np.setdiff1d(space.pairs[~kept, 1], space.pairs[kept, 1])] = False
    return replace(opened, space=replace(space, pairs=space.pairs[kept]).subset(keep.nonzero()[0]))


def analogies(opened: EncodedCollection, *, mix: Mix = "centred") -> Analogies:
    """How often replacing one of an image's labels in the query finds the image so described.

    Raises:
        TooFew: the images have no labels that can be swapped.
        NoTextSearch: the encoder is not available, and the labels have no texts.
    """
    return measure_analogies(opened.space, partial(label_vectors, opened), mix=mix)


def evidence(
    opened: EncodedCollection, measured: Iterable[tuple[Space, Sequence[Finding]]]
) -> Evidence:
    """The items behind findings, with thumbnails, for a report that is one file."""
    collection = opened.collection
    ids = list(
        dict.fromkeys(id_ for space, found in measured for id_ in evidence_ids(space, found))
    )
    thumbnails = collection.thumbnails(ids)
    return Evidence(
        {item.id: item for item in collection.items(ids)},
        {i: thumbnail(decode(thumbnails[i], i), THUMBNAIL) for i in ids if i in thumbnails},
    )


def _gain(found: tuple[float, float, float]) -> str:
    """A gain in points with its interval.

    >>> _gain((0.012, -0.005, 0.03))
    '+1.2 points (-0.5 to +3.0)'
    """
    value, low, high = (100 * x for x in found)
    return f"{value:+.1f} points ({low:+.1f} to {high:+.1f})"
