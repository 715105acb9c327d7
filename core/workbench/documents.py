"""Results as plain dictionaries: the JSON of the command line and of downloads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any

from core.measure import Analogies, Contrast, Direction, Evaluation
from core.search import LabelRanking, LabelScores, MatchEstimate, SearchResult, describe_changes
from core.types import Finding, Hit, Item, Score


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
            "probability": _number(hit.probability),
        }
        for hit in result.hits
        if hit.id in items
    ]
    document: dict[str, Any] = {
        "hits": hits,
        "matches": result.matches,
        "no_match": result.no_match,
        "estimates": {kind: _estimate(one) for kind, one in result.estimates.items()},
        "p_value": _number(result.p_value),
        "n_candidates": result.n,
        "sentence": result.sentence,
        "notes": list(result.notes),
    }
    if result.left is not None:
        document["changes"] = describe_changes(result)
        document["left"] = [
            {"id": hit.id, "plain_rank": hit.rank, "hubness": _number(hit.hubness)}
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
            "value": _number(estimate.expected),
            "low": _number(estimate.low),
            "high": _number(estimate.high),
        },
        "counts": dict(zip(("strong", "likely", "unlikely"), estimate.counts, strict=True)),
        "calibrated_on": f"{known.n_queries} {known.source}",
        "auc": _number(known.area),
    }


def evaluation(result: Evaluation) -> dict[str, Any]:
    """Scores of both directions with their intervals."""
    return {
        "text_to_image": _direction(result.text_to_image),
        "image_to_text": _direction(result.image_to_text),
        "sentence": result.sentence,
    }


def analogies(result: Analogies) -> dict[str, Any]:
    """Success of label analogies, with its sweep over strengths."""
    return {
        "scores": {name: _score(score) for name, score in result.scores.items()},
        "strength": result.strength,
        "n_swaps": result.scores["success"].n_queries,
        "sweep": [
            {"strength": float(s), "success": _number(float(v))}
            for s, v in zip(result.strengths, result.curve, strict=True)
        ],
        "sentence": result.sentence,
    }


def label_ranking(ranking: LabelRanking) -> dict[str, Any]:
    """Labels of one image by probability ("likeliest") and by squared distance ("middle")."""
    return {
        "likeliest": [{"label": h.label, "chance": h.value} for h in ranking.likeliest],
        "middle": [{"label": h.label, "expected_square": h.value} for h in ranking.frechet],
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


def _score(score: Score) -> dict[str, float | None]:
    return _numbers(score, "value", "low", "high", "chance")


def _direction(direction: Direction) -> dict[str, Any]:
    return {
        **{name: _score(score) for name, score in direction.scores.items()},
        "n_queries": len(direction.queries),
        "n_candidates": direction.n_candidates,
    }


def diagnosis(encoder: str, n: int, findings: Iterable[Finding]) -> dict[str, Any]:
    """Every finding with its interval (null: none), reference, verdict and sentence."""
    return {
        "encoder": encoder,
        "n": n,
        "findings": [
            {
                "name": f.name,
                "scope": f.scope,
                **_numbers(f, "value", "low", "high"),
                "reference": {"value": _number(f.reference.value), "name": f.reference.name},
                "verdict": f.verdict,
                "sentence": f.sentence,
                "detail": f.detail,
                "sampled": f.sampled,
                "over": f.over,
            }
            for f in findings
        ],
    }


def comparison(
    a: dict[str, Any], b: dict[str, Any], contrasts: Iterable[Contrast]
) -> dict[str, Any]:
    """Two diagnoses, and which findings differ significantly."""
    rows = [
        {"name": c.a.name, "scope": c.a.scope, "differs": c.differs, "sentence": c.sentence}
        for c in contrasts
    ]
    return {"a": a, "b": b, "comparison": rows}


def _numbers(of: Hit | Score | Finding | MatchEstimate, *names: str) -> dict[str, float | None]:
    return {name: _number(getattr(of, name)) for name in names}


def _number(value: float) -> float | None:
    """None for NaN and infinity, which JSON does not have."""
    return float(value) if isfinite(value) else None
