"""What the disk, the object store and broken tables say, as sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from core.errors import StoreError

_REASONS = {
    "1": "permission is missing",
    "2": "a part of it is gone",
    "13": "permission is missing",
    "17": "a file lies where its folder should be",
    "20": "a file lies where its folder should be",
    "28": "the disk is full. Free some space and do it again: what was written is kept",
    "30": "the disk is read-only",
    "122": "the disk quota is used up. Free some space and do it again: what was written is kept",
}


@contextmanager
def sentences(what: str) -> Iterator[None]:
    """Turn what the disk, the object store or a broken table say into a `StoreError`.

    Args:
        what: the beginning of the sentence, such as "The collection 'pets' at /home/me cannot be".
    """
    try:
        yield
    except (OSError, RuntimeError, pa.ArrowException) as error:
        raise StoreError(f"{what}: {_reason(error)}.") from error


def _reason(error: Exception) -> str:
    text = str(error)
    number = str(getattr(error, "errno", None) or "")
    found = re.search(r"os error (\d+)", text) or re.search(r"\[errno (\d+)\]", text, re.IGNORECASE)
    reason = _REASONS.get(found[1] if found else number)
    if reason:
        return reason
    if "not found" in text.lower():
        return _REASONS["2"]
    first_line = text.partition("\n")[0].partition(", /")[0].strip().rstrip(".")
    return f"a part of it is damaged ({first_line[:200]})"
