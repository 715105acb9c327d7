"""The result of a search: hits with their statistics, and whether any of them matches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import expm1, log1p, nan

import numpy as np

from core.numerics.neighbors import nearest
from core.search.calibration import LEAST_ITEMS
from core.search.candidates import Candidates
from core.search.match_estimate import MatchEstimate
from core.search.null import QueryNull
from core.types import Band, Doubles, Floats, Hit, Ints, Kind, Space, per_space

HUB_RATIO, HUB_P = 3.0, 1e-3  # a hub's count against the mean, and its Poisson p-value


@dataclass(frozen=True)
class SearchResult:
    """The result of one query.

    Args:
        hits: of this page, best first.
        nulls: the null distribution of the query for each kind searched.
        edges: of the histogram of the candidates' cosines; `counts` are its bins by kind.
        n: number of candidates.
        p_value: probability that the best of n unrelated items is as similar as the most similar.
        estimates: by kind, what is likely to match; empty where nothing calibrates it.
        sentence: what matches, and how far to trust that.
        how: how the candidates were searched.
        left: hits that cosine alone would have put on this page, with their rank by cosine; None
            where cosine and full text rank the hits, so that no second search was run.
        notes: sentences on how far to trust the query.
    """

    hits: tuple[Hit, ...]
    nulls: Mapping[Kind, QueryNull]
    edges: Doubles
    counts: Mapping[Kind, Doubles]
    n: int
    p_value: float
    estimates: Mapping[Kind, MatchEstimate]
    sentence: str
    how: str = ""
    left: tuple[Hit, ...] | None = None
    notes: tuple[str, ...] = ()

    @property
    def matches(self) -> int | None:
        """Number of strong and likely candidates, on all pages; None without an estimate."""
        if not self.estimates:
            return None
        return sum(estimate.matches for estimate in self.estimates.values())

    @property
    def no_match(self) -> bool:
        """Whether probably no candidate matches."""
        return bool(self.estimates) and all(e.no_match for e in self.estimates.values())


def verdict(estimates: Mapping[Kind, MatchEstimate], n: int) -> str:
    """What of n candidates matches, and how far to trust that, in one or two sentences."""
    if not n:
        return "No candidates: no item passes the filters."
    if estimates:
        return " ".join(estimate.sentence for estimate in estimates.values())
    if n < LEAST_ITEMS:
        candidates = "1 candidate" if n == 1 else f"{n} candidates"
        return f"{candidates}, best first: too few to estimate what matches ({LEAST_ITEMS} needed)."
    return (
        "Best first, without P(match): the collection has too few labels or captions to calibrate "
        "it for queries of this form, or their matches are not the more similar items, and no "
        "table comes with the encoder."
    )


@per_space
def hub_ratios(space: Space) -> Floats:
    """(n,) how many times more often than average an item is among the 10 best hits.

    Queries are items of the other modality where there are some (that is how people search), else
    of the same. 0 where an item is no significant hub or the sample is too small, and where the
    vectors are on disk, of which all would be read. Score biases count.
    """
    from scipy.special import pdtrc

    ratios = np.zeros(space.n, np.float32)
    if space.on_disk:
        return ratios
    sizes: dict[Kind, int] = {"image": space.n_images, "text": space.n - space.n_images}
    for kind in sizes:
        side = space.span(kind)
        other: Kind = "text" if kind == "image" else "image"
        queries = other if sizes[other] >= 10 else kind
        if sizes[kind] < 30 or sizes[queries] < 10:
            continue
        lists = nearest(space, queries, kind, ranked=True)
        counts = np.bincount(lists.indices.ravel(), minlength=space.n)[side]
        mean = counts.mean()
        p = pdtrc(np.maximum(counts - 1, 0), mean)
        hub = (counts >= HUB_RATIO * mean) & (p < HUB_P)
        ratios[side] = np.where(hub, counts / mean, 0)
    return ratios


def make_hits(
    candidates: Candidates,
    nulls: Mapping[Kind, QueryNull],
    estimates: Mapping[Kind, MatchEstimate],
    rows: Ints,
    scores: Floats,
    start: int,
) -> tuple[Hit, ...]:
    """Hits of these rows, in this order; the first has rank `start` + 1."""
    space, hubs = candidates.space, hub_ratios(candidates.space)
    cosines = candidates.cosines(rows)
    p_of = {kind: null.p(cosines) for kind, null in nulls.items()}
    matching = {kind: estimate.probabilities(cosines) for kind, estimate in estimates.items()}
    hits = []
    for i, (row, score, cosine) in enumerate(
        zip(rows.tolist(), scores.tolist(), cosines.tolist(), strict=True)
    ):
        kind = _kind(space, row)
        estimate = estimates.get(kind)
        band: Band = estimate.band(cosine) if estimate else ""
        hits.append(
            Hit(
                id=space.ids[row],
                row=row,
                rank=start + i + 1,
                score=score,
                cosine=cosine,
                p_null=float(p_of[kind][i]),
                hubness=float(hubs[row]),
                bias=float(space.offset[row]),
                plain_rank=candidates.rank(row, cosine),
                match=band in ("strong", "likely"),
                band=band,
                probability=float(matching[kind][i]) if estimate else nan,
            )
        )
    return tuple(hits)


def best_p_value(candidates: Candidates, nulls: Mapping[Kind, QueryNull]) -> float:
    """Probability that the best of as many unrelated items is as similar as the best candidate.

    That is the most similar one, whatever a score bias ranks first.
    """
    n = sum(candidates.sizes.values())
    if not n:
        return 1.0
    highest, kind = max((cosine, kind) for kind, cosine in candidates.highest.items())
    p = float(nulls[kind].p(np.array([highest], np.float32))[0])
    return -expm1(n * log1p(-p)) if p < 1 else 1.0


def compare_rankings(result: SearchResult, plain: SearchResult) -> SearchResult:
    """The result with the hits that only the plain ranking has on this page as `left`."""
    shown = {hit.id for hit in result.hits}
    return replace(result, left=tuple(hit for hit in plain.hits if hit.id not in shown))


def describe_changes(result: SearchResult) -> str:
    """What changed on this page against cosine alone, as a sentence; "" where nothing compares."""
    if result.left is None or not result.hits:
        return ""
    first, last = result.hits[0].rank, result.hits[-1].rank
    stayed = [hit for hit in result.hits if first <= hit.plain_rank <= last]
    up = sum(hit.rank < hit.plain_rank for hit in stayed)
    down = sum(hit.rank > hit.plain_rank for hit in stayed)
    hubs = sum(hit.hubness > 0 for hit in result.left)
    return (
        f"Compared with cosine alone, {len(result.left)} of {len(result.hits)} hits on this page "
        f"were replaced, {hubs} of them {'a hub' if hubs == 1 else 'hubs'}; of the others {up} "
        f"moved up and {down} moved down."
    )


def _kind(space: Space, row: int) -> Kind:
    return "image" if row < space.n_images else "text"
