"""What another way to rank did to a page of answers: a hub correction, a reranker."""

from __future__ import annotations

from dataclasses import replace

from core.search.answer import Answer


def against(answer: Answer, plain: Answer) -> Answer:
    """The answer with what the plain one shows and this one does not as `left`."""
    shown = {hit.id for hit in answer.hits}
    return replace(answer, left=tuple(hit for hit in plain.hits if hit.id not in shown))


def changes(answer: Answer) -> str:
    """What changed on this page, in words; "" where nobody looked."""
    if answer.left is None or not answer.hits:
        return ""
    first, last = answer.hits[0].rank, answer.hits[-1].rank
    kept = [hit for hit in answer.hits if first <= hit.plain_rank <= last]
    up = sum(hit.rank < hit.plain_rank for hit in kept)
    down = sum(hit.rank > hit.plain_rank for hit in kept)
    hubs = sum(hit.hubness > 0 for hit in answer.left)
    return (
        f"Against cosine alone {len(answer.left)} of {len(answer.hits)} hits left this page, "
        f"{hubs} of them {'a hub' if hubs == 1 else 'hubs'}; of those that stayed {up} moved up "
        f"and {down} moved down."
    )
