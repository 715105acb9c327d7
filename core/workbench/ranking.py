"""How the answers to a query are ranked: hub correction, then reranker, and what they changed."""

from __future__ import annotations

from collections.abc import Callable

from core.bias import corrected
from core.rerankers import RERANKERS
from core.search import Answer, against
from core.types import Bools, Filter, Kind, Query, Space, SpaceCache
from core.workbench.collections import Collections

_HELD_OUT = SpaceCache(16)


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

        return _HELD_OUT.get((self.uri, name, collection.version(), space.key), find)

    def corrected(
        self, name: str, space: Space, correction: str, asker: Kind | None = None
    ) -> Space:
        """A collection's space with a hub correction learnt from what is not held out."""
        barred = self.held_out(name, space)
        return corrected(space, correction, asker=asker, barred=barred)

    def ranked(self, name: str, space: Space, query: Query, find: Callable[..., Answer]) -> Answer:
        """The answer as the query wants it ranked, told against what cosine alone would show.

        Args:
            name: the collection.
            space: its space.
            query: names the hub correction and the reranker; "" is none.
            find: searches a space for this query; takes `rerank`.

        Raises:
            UnknownName: no such hub correction or reranker.
        """
        if not (query.hub_correction or query.rerank):
            return find(space)
        rerank = RERANKERS.get(query.rerank) if query.rerank else None
        ranked = space
        if query.hub_correction:
            ranked = self.corrected(name, space, query.hub_correction, _asker(space, query))
        return against(find(ranked, rerank=rerank), find(space))


def _asker(space: Space, query: Query) -> Kind | None:
    """What kind the query is of; None when it has parts of both."""
    kinds = {_kind(space, part.text, part.item) for part in query.parts}
    return kinds.pop() if len(kinds) == 1 else None


def _kind(space: Space, text: str, item: str) -> Kind:
    if item:
        return "image" if space.row[item] < space.n_images else "text"
    return "text" if text else "image"
