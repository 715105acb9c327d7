"""Results as plain dictionaries: the JSON of the command line and of downloads."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from core.measure import (
    Analogies,
    Contrast,
    Direction,
    Evaluation,
    GroupRecall,
    LabelScore,
    QueryRanks,
    Versus,
)
from core.search import LabelRanking, LabelScores, MatchEstimate, SearchResult, describe_changes
from core.store import Tag
from core.types import Finding, Hit, Item, Score
from core.workbench.evaluate import Labels
from core.workbench.repair import Repaired


def search_result(
    result: SearchResult, items: Mapping[str, Item], texts: Mapping[str, str]
) -> dict[str, Any]:
    """Hits in order, what is likely to match, and the statistics of the search.

    Args:
        result: of a search.
        items: the items behind the hits, by id, and their texts.
        texts: the id of the first text of each image that has one, by the image's id.
    """
    hits = [
        {
            "rank": hit.rank,
            "id": hit.id,
            "kind": items[hit.id].kind,
            "name": items[hit.id].name,
            "text": _text(items.get(texts.get(hit.id, hit.id))),
            "path": items[hit.id].source or None,
            **_numbers(hit, "score", "cosine", "p_null", "hubness", "bias"),
            "plain_rank": hit.plain_rank,
            "match": hit.match,
            "band": hit.band,
            "probability": number(hit.probability),
        }
        for hit in result.hits
        if hit.id in items
    ]
    document: dict[str, Any] = {
        "hits": hits,
        "matches": result.matches,
        "no_match": result.no_match,
        "estimates": {kind: _estimate(one) for kind, one in result.estimates.items()},
        "p_value": number(result.p_value),
        "n_candidates": result.n,
        "sentence": result.sentence,
        "notes": list(result.notes),
    }
    if result.left is not None:
        document["changes"] = describe_changes(result)
        document["left"] = [
            {"id": hit.id, "plain_rank": hit.rank, "hubness": number(hit.hubness)}
            for hit in result.left
        ]
    return document


def _text(item: Item | None) -> str | None:
    """A text, or an image's first; None for an image without one."""
    return item.text if item is not None and item.kind == "text" else None


def _estimate(estimate: MatchEstimate) -> dict[str, Any]:
    known = estimate.calibration
    return {
        **_numbers(estimate, "p", "level", "miss", "strong", "likely"),
        "expected": {
            "value": number(estimate.expected),
            "low": number(estimate.low),
            "high": number(estimate.high),
        },
        "counts": dict(zip(("strong", "likely", "unlikely"), estimate.counts, strict=True)),
        "calibrated_on": f"{known.n_queries} {known.source}",
        "auc": number(known.area),
    }


def evaluation(result: Evaluation) -> dict[str, Any]:
    """Scores of both directions with their intervals."""
    return {
        "text_to_image": _direction(result.text_to_image),
        "image_to_text": _direction(result.image_to_text),
        "sentence": result.sentence,
    }


def repaired(result: Repaired) -> dict[str, Any]:
    """What a recipe did to the held-out pairs, with the gains and their intervals."""
    return {
        "steps": [{"name": s.name, "settings": dict(s.settings)} for s in result.recipe.steps],
        "before": _both(result.before),
        "after": _both(result.after),
        "delta": {
            name: {metric: _interval(gain) for metric, gain in gains.items()}
            for name, gains in result.delta.items()
        },
        "findings": {
            when: [finding(f) for f in found]
            for when, found in zip(("before", "after"), result.findings, strict=True)
        },
        "verdict": result.verdict,
        "sentence": result.sentence,
        "n_train_pairs": result.n_train,
        "n_test_pairs": result.n_test,
        "query_seconds": result.query_seconds,
        "tried": [{"steps": steps, "mAP": score} for steps, score in result.tried],
        "rejected": result.rejected,
    }


def _both(result: Evaluation) -> dict[str, Any]:
    document = evaluation(result)
    return {name: document[name] for name in ("text_to_image", "image_to_text")}


def _interval(gain: tuple[float, float, float]) -> dict[str, float | None]:
    return dict(zip(("value", "low", "high"), map(number, gain), strict=True))


def with_command(document: Any, command: str) -> Any:
    """A document, or each of a list, with the command that reproduces it as `command`."""
    if isinstance(document, list):
        return [with_command(one, command) for one in document]
    return {**document, "command": command}


def command(*words: str) -> str:
    """A command line of Sextant, quoted for a shell.

    >>> command("evaluate", "my photos", "--json")
    "sextant evaluate 'my photos' --json"
    """
    return shlex.join(["sextant", *words])


def by_label(result: Labels) -> dict[str, Any]:
    """What labels alone evaluate: "classification" (zero-shot) and "image_to_image".

    Each holds its scores by name, `n_queries`, `n_candidates` (labels, or images), `sentence` and
    `by_label`; null where it cannot be measured, with the reason in `lacks`.
    """
    named, found = result.classification, result.image_to_image
    return {
        "classification": named
        and {
            **{name: _score(score) for name, score in named.scores.items()},
            "n_queries": named.scores["accuracy"].n_queries if named.scores else 0,
            "n_candidates": named.n_labels,
            "by_label": _labels(named.by_label),
            "confusions": [
                {"true": c.true, "named": c.named, "images": len(c.rows), "of": c.of}
                for c in named.confusions
            ],
            "sentence": named.sentence,
        },
        "image_to_image": found
        and {
            **{name: _score(score) for name, score in found.scores.items()},
            "n_queries": found.scores["precision@1"].n_queries,
            "n_candidates": found.n_candidates,
            "by_label": _labels(found.by_label),
            "sentence": found.sentence,
        },
        "lacks": result.lacks,
    }


def groups(field: str, found: Sequence[GroupRecall]) -> dict[str, Any]:
    """Recall of each group, lowest first; the intervals of all groups hold together with 95%."""
    rows = [
        {
            "group": g.name,
            **_score(g.score),
            "n_queries": g.score.n_queries,
            "n_images": g.n_images,
            "differs": g.differs,
        }
        for g in found
    ]
    return {"field": field, "groups": rows}


def versus(result: Versus, a: str, b: str) -> dict[str, Any]:
    """Two encoders on the same queries; gains are those of `a` over `b`."""
    return {
        "a": a,
        "b": b,
        "k": result.k,
        "won": len(result.won),
        "lost": len(result.lost),
        "both": result.both,
        "neither": result.neither,
        "gain": _score(result.gain),
        "overlap": _score(result.overlap),
        "n_queries": len(result.queries),
    }


def ranks(found: Mapping[str, QueryRanks]) -> dict[str, Any]:
    """Rank of the true item of each query, so that a later evaluation can be compared in pairs."""
    return {
        name: {"ids": list(q.ids), "ranks": list(q.ranks), "images": list(q.images)}
        for name, q in found.items()
    }


def analogies(result: Analogies) -> dict[str, Any]:
    """Success of label analogies, with its sweep over strengths."""
    return {
        "scores": {name: _score(score) for name, score in result.scores.items()},
        "strength": result.strength,
        "n_swaps": result.scores["success"].n_queries,
        "sweep": [
            {"strength": float(s), "success": number(float(v))}
            for s, v in zip(result.strengths, result.curve, strict=True)
        ],
        "sentence": result.sentence,
    }


def label_ranking(ranking: LabelRanking) -> dict[str, Any]:
    """Labels of one image by probability ("likeliest") and by squared distance ("frechet")."""
    return {
        "likeliest": [{"label": h.label, "chance": h.value} for h in ranking.likeliest],
        "frechet": [{"label": h.label, "expected_square": h.value} for h in ranking.frechet],
        "scale": ranking.scale,
        "sentence": ranking.sentence,
    }


def label_scores(result: LabelScores) -> dict[str, Any]:
    """Zero-shot accuracy and squared distance with their intervals."""
    return {
        "scores": {name: _score(score) for name, score in result.scores.items()},
        "scale": result.scale,
        "sentence": result.sentence,
    }


def _labels(scores: Sequence[LabelScore]) -> list[dict[str, Any]]:
    return [{"label": s.label, **_score(s.score), "n_images": s.score.n_queries} for s in scores]


def _score(score: Score) -> dict[str, float | None]:
    return _numbers(score, "value", "low", "high", "chance")


def _direction(direction: Direction) -> dict[str, Any]:
    return {
        **{name: _score(score) for name, score in direction.scores.items()},
        "n_queries": len(direction.queries),
        "n_candidates": direction.n_candidates,
    }


def tags(given: Iterable[Tag], items: Mapping[str, Item]) -> list[dict[str, Any]]:
    """Tags in the order in which they were given: of an item, or of an image and its caption.

    Args:
        given: the tags.
        items: the items behind them, by id.
    """
    return [
        {
            "tag": tag.name,
            "item": tag.ids[0],
            "name": items[tag.ids[0]].name,
            "caption": tag.ids[1] if len(tag.ids) > 1 else "",
            "text": _text(items[tag.ids[-1]]) or "",
            "added": datetime.fromtimestamp(tag.added / 1e9, UTC).isoformat(timespec="seconds"),
        }
        for tag in given
        if all(id_ in items for id_ in tag.ids)
    ]


def diagnosis(encoder: str, n: int, findings: Iterable[Finding]) -> dict[str, Any]:
    """Every finding with its interval (null: none), reference, verdict and sentence."""
    return {
        "encoder": encoder,
        "n": n,
        "findings": [finding(f) for f in findings],
    }


def finding(f: Finding) -> dict[str, Any]:
    """A finding with its interval (null: none), reference, verdict and sentence."""
    return {
        "name": f.name,
        "scope": f.scope,
        **_numbers(f, "value", "low", "high"),
        "reference": {"value": number(f.reference.value), "name": f.reference.name},
        "verdict": f.verdict,
        "sentence": f.sentence,
        "detail": f.detail,
        "sampled": f.sampled,
        "over": f.over,
    }


def comparison(
    a: dict[str, Any], b: dict[str, Any], contrasts: Iterable[Contrast]
) -> dict[str, Any]:
    """Two diagnoses, and which findings differ significantly."""
    rows = [
        {
            "name": c.a.name,
            "scope": c.a.scope,
            "differs": c.differs,
            "sentence": c.sentence,
            "difference": number(c.difference),
            "low": number(c.interval[0]),
            "high": number(c.interval[1]),
        }
        for c in contrasts
    ]
    return {"a": a, "b": b, "comparison": rows}


def _numbers(of: Hit | Score | Finding | MatchEstimate, *names: str) -> dict[str, float | None]:
    return {name: number(getattr(of, name)) for name in names}


def number(value: float) -> float | None:
    """None for NaN and infinity, which JSON does not have."""
    return float(value) if isfinite(value) else None
