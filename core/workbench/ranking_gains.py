"""What a ranking gains over cosine alone on a collection's own pairs; stored with the collection.

A ranking is settings of `Query`, such as `{"hub_correction": "nnn"}` or `{"full_text": "rrf"}`;
cosine alone is `{}`. Queries are captions; each should find its image among all images.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import isfinite, nan
from threading import Lock
from time import time
from typing import TYPE_CHECKING, Any

import numpy as np

from core import search
from core.errors import BadParameter, InputError, TooFew
from core.measure import points
from core.numerics.sampling import groups
from core.numerics.stats import folds, normal, two_way_error
from core.types import Bools, Ints, Part, Progress, Query, digest
from core.workbench.held_out import held_out_rows
from core.workbench.ingest import no_progress, tokens_version

if TYPE_CHECKING:
    from core.store import EncodedCollection

K = 10
QUERIES = 1000  # captions, at most, drawn at random
DEPTH = 400  # ranks in which the image is looked for: what fusion and reranking reach
SETTINGS = ("first_stage", "full_text", "hub_correction", "rerank", "template")
FORMAT = "1"  # goes up when the same pairs give other numbers

Ranking = Mapping[str, str]
_STORING = Lock()


@dataclass(frozen=True)
class RankingGain:
    """The gain of a ranking in recall@10 from text to image.

    Args:
        ranking: the settings of `Query`.
        recall: with the ranking; `plain`: by cosine alone.
        gain: the difference on the same captions, with its 95% interval `low` to `high` over other
            images like these with their captions, as queries and as candidates; NaN ends: none.
        queries: number of captions.
        pairs: which of the collection's pairs they are of.
        when: in seconds since 1970.
    """

    ranking: dict[str, str]
    recall: float
    plain: float
    gain: float
    low: float
    high: float
    queries: int
    pairs: str
    when: float

    @property
    def verdict(self) -> str:
        """What the interval shows: "gains", "loses", or "" for neither."""
        return "gains" if self.low > 0 else "loses" if self.high < 0 else ""

    @property
    def points(self) -> str:
        """The gain in points with its interval.

        >>> RankingGain({}, .832, .82, .012, -.005, .03, 400, "all pairs", 0.0).points
        '+1.2 points (−0.5 to +3.0)'
        """
        return points(self.gain, self.low, self.high)

    @property
    def result(self) -> str:
        """The gain with its interval, and what it means for search."""
        means = {"gains": "finds more here", "loses": "finds less here", "": "no gain shown"}
        return f"Recall@{K} {self.points}: {means[self.verdict]}."

    @property
    def basis(self) -> str:
        """What the gain is against, and what it is measured on."""
        return (
            f"Against {self.plain:.0%} by cosine alone, with {self.queries:,} captions of "
            f"{self.pairs}."
        )

    @property
    def sentence(self) -> str:
        """The gain with its interval, what it means for search, and against what."""
        return f"{self.result} {self.basis}"


def measure_rankings(
    opened: EncodedCollection, rankings: Sequence[Ranking], *, progress: Progress = no_progress
) -> tuple[RankingGain, ...]:
    """The gains of rankings over cosine alone; those that are stored are not computed again.

    A hubness correction is fitted without the judged pairs. Full text does not find the caption
    that is the query; only captions of images that have another one are queries there.

    Args:
        opened: the collection.
        rankings: settings of `Query` each.
        progress: called with (queries done, all queries); may raise to stop.

    Raises:
        BadParameter: a setting that does not rank, or an unknown value.
        UnknownName: no such hubness correction or reranker.
        TooFew: fewer than two pairs, or no image with a second caption for full text.
        InputError: token vectors are needed and none are stored.
        NoTextSearch: the encoder is needed and not available.
    """
    stored = ranking_gains(opened)
    new = {_key(opened, r): r for r in rankings if _key(opened, r) not in stored}
    trials = {key: _trial(opened, ranking) for key, ranking in new.items()}
    total, done = sum(2 * len(trial.texts) for trial in trials.values()), 0

    def tick() -> None:
        nonlocal done
        progress(done, total)
        done += 1

    for key, trial in trials.items():
        stored[key] = _gain(opened, trial, tick)
        _store(opened, key, stored[key])
    progress(total, total)
    return tuple(stored[_key(opened, ranking)] for ranking in rankings)


def ranking_gain(opened: EncodedCollection, ranking: Ranking) -> RankingGain | None:
    """The stored gain of a ranking, None while it is not measured on these vectors."""
    return ranking_gains(opened).get(_key(opened, ranking))


def ranking_lack(opened: EncodedCollection, ranking: Ranking) -> str:
    """Why the gain of a ranking cannot be measured on a collection, in a sentence; "" if it can."""
    try:
        if _reads_tokens(ranking) and not opened.collection.tokens.any(opened.passport):
            return "It needs token vectors, and none are stored for this encoder."
        _trial(opened, ranking)
    except InputError as lack:
        return str(lack)
    return ""


def ranking_gains(opened: EncodedCollection) -> dict[str, RankingGain]:
    """All stored gains that were measured on these vectors, by the key of their ranking."""
    saved = opened.collection.artifacts.read_report(_place(opened))
    if not saved or saved["of"] != _state(opened):
        return {}
    return {key: _from_dict(plain) for key, plain in saved["gains"].items()}


@dataclass(frozen=True)
class _Trial:
    """A ranking, and the captions that it is measured with.

    `texts` (q,) are their rows, `images` the rows that each should find; `held_out` (n,) are the
    rows that nothing may be fitted on.
    """

    ranking: dict[str, Any]
    texts: Ints
    images: tuple[Ints, ...]
    held_out: Bools
    pairs: str


def _trial(opened: EncodedCollection, ranking: Ranking) -> _Trial:
    space, held_out = opened.space, held_out_rows(opened)
    pairs = space.pairs[held_out[space.pairs].all(axis=1)]
    captions, chosen = np.unique(pairs[:, 1]), {n: v for n, v in ranking.items() if v}
    needs = "pairs of an image and a caption"
    if "full_text" in chosen:
        count = np.bincount(space.pairs[:, 0], minlength=space.n)
        captions = np.unique(pairs[count[pairs[:, 0]] > 1, 1])
        needs = "captions of images with another caption"
    if len(captions) < 2:
        raise TooFew("Measuring a ranking", 2, needs, len(captions), "Add captions first.")
    if len(captions) > QUERIES:
        captions = np.sort(np.random.default_rng(0).choice(captions, QUERIES, replace=False))
    by_text = space.pairs[np.argsort(space.pairs[:, 1], kind="stable")]
    start, end = (np.searchsorted(by_text[:, 1], captions, side) for side in ("left", "right"))
    images = tuple(by_text[a:b, 0] for a, b in zip(start, end, strict=True))
    which = "a random half of the pairs" if opened.held_out() is None else "the held-out pairs"
    return _Trial(chosen, captions, images, held_out, which)


def _gain(opened: EncodedCollection, trial: _Trial, tick: Callable[[], None]) -> RankingGain:
    """Recall with the ranking less recall without, on the same captions."""
    connected = groups(opened.space)
    fold = folds(connected, trial.held_out)
    kept = fold[trial.texts][:, None] != np.arange(int(fold.max()) + 1)
    with_it = _hits(opened, trial, trial.ranking, fold, tick)
    plain = _hits(opened, trial, {}, fold, tick) if trial.ranking else with_it
    change = with_it.astype(np.float64) - plain
    clusters = np.unique(connected[trial.texts], return_inverse=True)[1]
    error = two_way_error(change[:, 0], change[:, 1:], kept, clusters)
    gain = float(change[:, 0].mean())
    low, high = normal(gain, error, -1.0, 1.0)
    return RankingGain(
        trial.ranking,
        float(with_it[:, 0].mean()),
        float(plain[:, 0].mean()),
        gain,
        low,
        high,
        len(trial.texts),
        trial.pairs,
        time(),
    )


def _hits(
    opened: EncodedCollection,
    trial: _Trial,
    ranking: Mapping[str, Any],
    fold: Ints,
    tick: Callable[[], None],
) -> Bools:
    """(q, 1 + folds) whether a caption's image is among the first 10: of all, without each fold."""
    space = opened.space
    ids = [space.ids[row] for row in trial.texts]
    captions = opened.collection.texts(ids)
    queries = [Query((Part(text.strip() or "-"),), ("image",), k=DEPTH) for text in captions]
    ranked = [replace(query, **ranking) for query in queries]
    encoded = "template" in ranking
    vectors = search.encode(opened, ranked) if encoded else opened.queries(trial.texts)
    hits = np.zeros((len(ids), 2 + int(fold.max())), bool)
    for row, query, vector, id_, images in zip(
        hits, ranked, vectors, ids, trial.images, strict=True
    ):
        tick()
        plan = search.prepare_ranking(opened, query, vector, held_out=trial.held_out, without=id_)
        rows = search.rank(plan)[:DEPTH]
        at = np.flatnonzero(np.isin(rows, images))[:1]
        ahead = np.bincount(fold[rows[: at[0]]], minlength=len(row) - 1) if len(at) else None
        row[:] = False if ahead is None else at[0] - np.append(0, ahead) < K
    return hits


def _key(opened: EncodedCollection, ranking: Ranking) -> str:
    """What the gain of a ranking is stored under; changes with the token vectors it reads."""
    for name in ranking:
        if name not in SETTINGS:
            raise BadParameter("ranking", repr(name), ", ".join(SETTINGS))
    parts = [f"{name}={value}" for name, value in sorted(ranking.items()) if value]
    if _reads_tokens(ranking):
        parts.append(digest(tokens_version(opened)))
    return " ".join(parts)


def _reads_tokens(ranking: Ranking) -> bool:
    reranker = search.RERANKERS.get(ranking["rerank"]) if ranking.get("rerank") else None
    by_tokens = reranker is not None and bool(reranker.traits.get("tokens"))
    return by_tokens or ranking.get("first_stage") == "muvera"


def _place(opened: EncodedCollection) -> str:
    repaired = f" {opened.recipe}" if opened.recipe else ""
    return f"ranking gains {opened.passport.key}{repaired}"


def _state(opened: EncodedCollection) -> str:
    return f"{FORMAT} {opened.space.key}"


def _store(opened: EncodedCollection, key: str, gain: RankingGain) -> None:
    with _STORING:
        gains = {**ranking_gains(opened), key: gain}
        report = {"of": _state(opened), "gains": {k: _to_dict(g) for k, g in gains.items()}}
        opened.collection.artifacts.write_report(_place(opened), report)


def _to_dict(gain: RankingGain) -> dict[str, Any]:
    """Plain values for JSON, which has no NaN."""
    ends = {"low": gain.low, "high": gain.high}
    return asdict(gain) | {name: x if isfinite(x) else None for name, x in ends.items()}


def _from_dict(plain: Mapping[str, Any]) -> RankingGain:
    ends = {name: nan for name in ("low", "high") if plain[name] is None}
    return RankingGain(**{**plain, **ends})
