"""How answers are ranked: first stage, hub correction, reranker, and what they changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from core import detail, sketch
from core.bias import corrected
from core.mixing import kind_of
from core.rerankers import RERANKERS, Shortlist
from core.search import Answer, ByTokens, Calibration, Cut, against, by_pairs, calibrate
from core.types import Bools, Filter, First, Floats, Kind, Query, Space, SpaceCache
from core.workbench.collections import Collections

_HELD_OUT, _LEARNT = SpaceCache(16), SpaceCache(16)


class Ranking(Collections):
    """What stands between a query's vector and its answer."""

    def held_out(self, name: str, space: Space) -> Bools | None:
        """(n,) rows whose attribute `split` is `test`; None where items carry no such attribute.

        Nothing is learnt from them, and they alone are judged.
        """
        collection = self.home.open(name)

        def find() -> Bools | None:
            if all(field.name != "split" for field in collection.fields()):
                return None
            return collection.mask((Filter("split", "in", ("test",)),), space.ids)

        return _HELD_OUT.get((collection.version(), space.key), find)

    def corrected(
        self, name: str, space: Space, correction: str, asker: Kind | None = None
    ) -> Space:
        """A collection's space with a hub correction learnt from what is not held out."""
        barred = self.held_out(name, space)
        return corrected(space, correction, asker=asker, barred=barred)

    def calibration(self, name: str, space: Space) -> Calibration | None:
        """What the collection's pairs tell of true matches; None where there are too few."""
        barred = self.held_out(name, space)
        told = None if barred is None else np.packbits(barred).tobytes()
        return _LEARNT.get((space.key, told), lambda: calibrate(space, barred))

    def cut(self, name: str, space: Space, query: Query, vector: Floats) -> Cut | None:
        """Where matches end, learnt from pairs; None where chance alone has to tell.

        What is learnt holds for queries like captions: one text that looks for pictures.
        """
        like_a_caption = len(query.parts) == 1 and query.text and query.kinds == ("image",)
        if not like_a_caption or query.expected or query.template:
            return None
        learnt = self.calibration(name, space)
        if learnt is None or not (query.miss or learnt.usual):
            return None
        return by_pairs(learnt, vector, query.miss)

    def ranked(self, name: str, space: Space, query: Query, find: Callable[..., Answer]) -> Answer:
        """The answer as the query wants it ranked.

        What a first stage by tokens, a hub correction or a reranker changed is told against what
        cosine alone would show: a second search. Words alone are not told of: they are looked for
        with every key press.

        Args:
            name: the collection.
            space: its space.
            query: names the first stage, the hub correction and the reranker; "" is none.
            find: searches a space for this query; takes `nearly`, `first`, `words`
                and `rerank`.

        Raises:
            UnknownName: no such hub correction or reranker.
            InputError: what needs token vectors finds none.
        """
        find = partial(find, nearly=query.first == "ivf")
        by_tokens = query.first == "muvera"
        if not (by_tokens or query.hub_correction or query.rerank):
            return find(space)
        first = self._first(name, space, query) if by_tokens else None
        rerank = self._reranker(name, space, query) if query.rerank else None
        ranked = space
        if query.hub_correction:
            ranked = self.corrected(name, space, query.hub_correction, _asker(space, query))
        return against(find(ranked, first=first, rerank=rerank), find(space, words=None))

    def first_stages(self, name: str, encoder: str | None = None) -> tuple[First, ...]:
        """What can find candidates here: cells where there are many items, tokens if stored."""
        collection = self.home.open(name)
        can: dict[First, bool] = {
            "": True,
            "ivf": sketch.pays(self.space(name, encoder)),
            "muvera": collection.tokens.stored(collection.passport(encoder)).items > 0,
        }
        return tuple(stage for stage, possible in can.items() if possible)

    def _first(self, name: str, space: Space, query: Query) -> ByTokens:
        """What finds the candidates by stored token vectors."""
        passport = self.passport(name, space.encoder)
        return detail.first_stage(self.home.open(name), space, passport, query)

    def _reranker(self, name: str, space: Space, query: Query) -> Callable[[Shortlist], Floats]:
        """The reranker of a query; it is given tokens where it compares them."""
        part = RERANKERS.get(query.rerank)
        if not part.traits.get("tokens"):
            return part
        collection, passport = self.home.open(name), self.passport(name, space.encoder)
        stored = detail.of_rows(collection, space, passport)
        asked = detail.of_query(collection, space, passport, query) if stored else ()
        return lambda hits: part(replace(hits, query_tokens=asked, tokens=stored))


def _asker(space: Space, query: Query) -> Kind | None:
    """What kind the query is of; None when it has parts of both."""
    kinds = {kind_of(space, part) for part in query.parts}
    return kinds.pop() if len(kinds) == 1 else None
