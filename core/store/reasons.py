"""Why the disk, the object store or a table failed, from the errors of the libraries below."""

from __future__ import annotations

import re

# By the number of the system's error.
_REASONS = {
    "1": "permission denied",
    "2": "a part of it is missing",
    "13": "permission denied",
    "17": "a file has the name of its folder",
    "20": "a file has the name of its folder",
    "28": "the disk is full. Free some space and repeat: what was written is safe",
    "30": "the disk is read-only",
    "122": "the disk quota is used up. Free some space and repeat: what was written is safe",
}
# By the code of an object store's error, in small letters without underscores.
_REMOTE_REASONS = {
    "nosuchbucket": "there is no such bucket",
    "accessdenied": "permission denied",
    "forbidden": "permission denied",
    "invalidaccesskeyid": "the object store does not know the access key",
    "signaturedoesnotmatch": "the object store does not accept the secret key",
}


def reason(error: Exception) -> str:
    """The end of a sentence: what failed, and what to do where that is known."""
    text = str(error)
    match = re.search(r"os error (\d+)", text) or re.search(r"\[errno (\d+)\]", text, re.IGNORECASE)
    found = _REASONS.get(match[1] if match else str(getattr(error, "errno", None)))
    code = re.search(r"<Code>(\w+)</Code>|AWS Error (\w+)", text)
    if code:
        found = _REMOTE_REASONS.get((code[1] or code[2]).lower().replace("_", ""), found)
    if found:
        return found
    if "not found" in text.lower():
        return _REASONS["2"]
    first_line = text.partition("\n")[0].partition(", /")[0].strip().rstrip(".")
    return f"a part of it is damaged ({first_line[:200]})"
