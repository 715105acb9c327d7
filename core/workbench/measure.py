"""Measuring: diagnostics, recall, and flat pictures of a space."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from core import search
from core.errors import TooFew
from core.improve import corrected, random_half
from core.measure import (
    DIAGNOSTICS,
    HELD_OUT,
    PROJECTIONS,
    Analogies,
    Evaluation,
    analogies,
    evaluate,
    gained,
)
from core.report import Evidence, evidence_ids
from core.types import Filter, Finding, Floats, Mix, Space
from core.workbench.search import Searching

SMALL = 112  # pixels: the longest side of a picture in a report


@dataclass(frozen=True)
class Layout:
    """A flat picture of a space: (n, 2) coordinates of its rows."""

    method: str
    xy: Floats
    space: Space


class Measuring(Searching):
    """The verbs that say how a collection's space is."""

    def diagnose(
        self,
        name: str,
        only: Sequence[str] = (),
        encoder: str | None = None,
        *,
        filters: Sequence[Filter] = (),
        on_part: Callable[[str], None] = lambda part: None,
    ) -> tuple[Finding, ...]:
        """Run diagnostics; those that lack items are left out unless they were asked for.

        Args:
            name: the collection.
            only: names of diagnostics; all of them without.
            encoder: which vectors; the collection's first without.
            filters: measure only what passes; see `subset`.
            on_part: called with each diagnostic's name before it runs.
        """
        return self.measure(self.subset(name, filters, encoder), only, on_part=on_part)

    def measure(
        self,
        space: Space,
        only: Sequence[str] = (),
        *,
        on_part: Callable[[str], None] = lambda part: None,
    ) -> tuple[Finding, ...]:
        """The same for a space that is at hand, such as a part of one."""
        findings: list[Finding] = []
        for plugin in [DIAGNOSTICS.get(n) for n in only] or DIAGNOSTICS.all().values():
            on_part(plugin.name)
            try:
                findings += plugin(space)
            except TooFew:
                if only:
                    raise
        return tuple(findings)

    def exhibits(self, name: str, measured: Iterable[tuple[Space, Sequence[Finding]]]) -> Evidence:
        """The items behind findings, with small pictures, for a report that is one file."""
        from core.ingest import decode, thumbnail

        ids = list(
            dict.fromkeys(id_ for space, found in measured for id_ in evidence_ids(space, found))
        )
        pictures = self.thumbnails(name, ids)
        return Evidence(
            {item.id: item for item in self.items(name, ids)},
            {i: thumbnail(decode(pictures[i], i), SMALL) for i in ids if i in pictures},
        )

    def evaluate(
        self, name: str, encoder: str | None = None, *, hub_correction: str = ""
    ) -> Evaluation:
        """Recall, median rank and mAP both ways from the collection's pairs.

        Where items carry `split`, only the pairs whose both ends are `test` are judged. A hub
        correction is learnt from the others; without `split`, from a random half of the items while
        the pairs of the other half are judged. The sentence then tells what it gained on the same
        pairs.

        Raises:
            UnknownName: no such collection, encoder or hub correction.
        """
        space = self.space(name, encoder)
        judged = self.held_out(name, space)
        if not hub_correction:
            return evaluate(space, judged=judged)
        which = HELD_OUT
        if judged is None:
            judged, which = random_half(space), "a random half of the items:"
        better = corrected(space, hub_correction, barred=judged)
        plain = evaluate(space, judged=judged, which=which)
        found = evaluate(better, judged=judged, which=which)
        there = _gain(gained(found.text_to_image, plain.text_to_image))
        back = _gain(gained(found.image_to_text, plain.image_to_text))
        return replace(
            found,
            sentence=f"{found.sentence} {better.steps[-1]}. Against cosine alone on the same "
            f"pairs recall@1 gains {there} from text to image and {back} from image to text.",
        )

    def analogies(
        self, name: str, encoder: str | None = None, *, mix: Mix = "centred"
    ) -> Analogies:
        """How often swapping one of a picture's labels in words finds the picture so described.

        Raises:
            TooFew: the pictures have no labels that can be swapped.
            NoTextSearch: the encoder is not at hand, and the labels have no texts.
        """
        space = self.space(name, encoder)
        words = partial(search.label_vectors, space, self.passport(name, encoder))
        return analogies(space, words, mix=mix)

    def layout(self, name: str, method: str, encoder: str | None = None, **settings: Any) -> Layout:
        """Flat coordinates of a space, kept on disk until the space changes."""
        space = self.space(name, encoder)
        plugin = PROJECTIONS.get(method)
        collection = self.home.open(name)
        label = _label(method, settings)
        xy = collection.read_layout(label, space.key)
        if xy is None:
            xy = np.ascontiguousarray(plugin(space, **settings), np.float32)
            collection.write_layout(label, space.key, xy)
        return Layout(method, xy, space)

    def has_layout(
        self, name: str, method: str, encoder: str | None = None, **settings: Any
    ) -> bool:
        """Whether `layout` would answer at once."""
        space = self.space(name, encoder)
        label = _label(method, settings)
        return self.home.open(name).read_layout(label, space.key) is not None


def _gain(found: tuple[float, float, float]) -> str:
    """A gain in points with its interval.

    >>> _gain((0.012, -0.005, 0.03))
    '+1.2 points (-0.5 to +3.0)'
    """
    value, low, high = (100 * x for x in found)
    return f"{value:+.1f} points ({low:+.1f} to {high:+.1f})"


def _label(method: str, settings: Mapping[str, Any]) -> str:
    """What a layout is kept under.

    >>> _label("umap", {"gap": "keep"})
    'umap/gap=keep'
    """
    return "/".join([method, *(f"{k}={v}" for k, v in sorted(settings.items()))])
