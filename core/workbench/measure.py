"""Measuring: diagnostics and recall of a space."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from core.errors import InputError, UnknownName
from core.improve import corrected
from core.ingest import decode, thumbnail
from core.measure import DIAGNOSTICS, Analogies, Evaluation, gained, points
from core.measure import analogies as measure_analogies
from core.measure import evaluate as measure_evaluate
from core.report import Evidence, evidence_ids
from core.search import label_vectors
from core.types import KINDS, Bools, Finding, Kind, Mix, Space, SpaceCache
from core.workbench.held_out import held_out_rows, held_out_words

if TYPE_CHECKING:
    from core.store import EncodedCollection

THUMBNAIL = 112  # pixels: the longest side of an image in a report
_SPACES = SpaceCache(2)  # few: each holds the vectors of its collection in memory


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
        the findings, and for each diagnostic that cannot be measured, as with too few items, the
        sentence that says why.

    Raises:
        UnknownName: no such diagnostic.
    """
    findings: list[Finding] = []
    lacks: dict[str, str] = {}
    for part in [DIAGNOSTICS.get(name) for name in names] or DIAGNOSTICS.all().values():
        on_part(part.name)
        try:
            findings += part(space)
        except InputError as error:
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
    if not hub_correction and not opened.recipe:
        return measure_evaluate(opened.space, judged=opened.held_out())
    judged, which = held_out_rows(opened), held_out_words(opened)
    result = evaluate_spaces(judged_spaces(opened, judged, hub_correction), judged, which)
    if not hub_correction:
        return result
    plain = evaluate_spaces(judged_spaces(opened, judged), judged, which)
    fitted_on = judged_spaces(opened, judged, hub_correction)["text"].steps[-1]
    there = points(*gained(result.text_to_image, plain.text_to_image))
    back = points(*gained(result.image_to_text, plain.image_to_text))
    return replace(
        result,
        sentence=f"{result.sentence} {fitted_on}. Recall@1 on the same pairs, against "
        f"cosine alone: {there} from text to image and {back} from image to text.",
    )


def judged_spaces(
    opened: EncodedCollection, judged: Bools, hub_correction: str = ""
) -> Mapping[Kind, Space]:
    """The space by the kind of its queries, with nothing fitted on the (n,) judged rows.

    Raises:
        UnknownName: no such hubness correction.
    """
    spaces: Mapping[Kind, Space] = dict.fromkeys(KINDS, opened.space)
    if opened.repair and opened.unrepaired:
        repair, space = opened.repair, opened.unrepaired
        key = (space.key, opened.recipe, judged.tobytes())
        spaces = _SPACES.get(key, lambda: repair.spaces(space, judged))
    if not hub_correction:
        return spaces
    alike = spaces["text"] is spaces["image"]
    return {
        kind: corrected(space, hub_correction, query_kind=None if alike else kind, held_out=judged)
        for kind, space in spaces.items()
    }


def evaluate_spaces(spaces: Mapping[Kind, Space], judged: Bools, which: str) -> Evaluation:
    """Recall of the (n,) judged rows' pairs, each direction in the space of its queries."""
    result = measure_evaluate(spaces["text"], judged=judged, which=which)
    if spaces["image"] is spaces["text"]:
        return result
    other = measure_evaluate(spaces["image"], judged=judged, which=which)
    return replace(result, image_to_text=other.image_to_text)


def without_tags(opened: EncodedCollection, tags: Collection[str]) -> EncodedCollection:
    """The collection without what bears one of the tags, for `evaluate` and other measurements.

    Tagged items and tagged pairs are left out, and the texts that then have no image: they are no
    candidates either.

    Raises:
        UnknownName: nothing bears that tag.
    """
    space, known = opened.space, opened.collection.tags.all()
    if opened.repair and opened.held_out() is None:  # a random half of what is left is another
        space = replace(space, held_out=held_out_rows(opened))
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

    def without(space: Space) -> Space:
        return replace(space, pairs=space.pairs[kept]).subset(np.flatnonzero(keep))

    unrepaired = opened.unrepaired and without(opened.unrepaired)
    return replace(opened, space=without(space), unrepaired=unrepaired)


def analogies(opened: EncodedCollection, *, mix: Mix = "balanced") -> Analogies:
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
