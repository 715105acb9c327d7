"""Why the disk, the object store or a table failed, from the errors of the libraries below."""

from __future__ import annotations

import os
import re

# By the number of the system's error.
_REASONS = {
    1: "permission denied",
    13: "permission denied",
    17: "a file has the name of its folder",
    20: "a file has the name of its folder",
    28: "the disk is full. Free some space and repeat: what was written is safe",
    30: "the disk is read-only",
    122: "the disk quota is used up. Free some space and repeat: what was written is safe",
}
_NO_SUCH_FILE = 2
# By the code of an object store's error, in small letters without underscores.
_REMOTE_REASONS = {
    "nosuchbucket": "there is no such bucket",
    "accessdenied": "permission denied",
    "forbidden": "permission denied",
    "invalidaccesskeyid": "the object store does not know the access key",
    "signaturedoesnotmatch": "the object store does not accept the secret key",
    "networkconnection": "the object store cannot be reached. Check its address and the network",
}
_UNREACHABLE = re.compile(
    r"curl ?(code|error)|ConnectError|TokenRequest|HttpError|error sending request|timed out",
    re.IGNORECASE,
)
_REMOTE = re.compile(r"AWS Error|google::cloud|Generic (S3|GCS|MicrosoftAzure)|Azure|RetryError")


def reason(error: BaseException) -> str:
    """The end of a sentence on what failed and what to do; "" where something stored is damaged."""
    text = str(error)
    match = re.search(r"os error (\d+)", text) or re.search(r"\[errno (\d+)\]", text, re.IGNORECASE)
    number = int(match[1]) if match else getattr(error, "errno", None)
    code = re.search(r"<Code>(\w+)</Code>|AWS Error (\w+)", text)
    if code and (found := _REMOTE_REASONS.get((code[1] or code[2]).lower().replace("_", ""))):
        return found
    if number in _REASONS:
        return _REASONS[number]
    if missing(error):
        return ""
    if _UNREACHABLE.search(text):
        return _REMOTE_REASONS["networkconnection"]
    if _REMOTE.search(text):
        return "the object store failed. Repeat it later"
    if "upgrade" in text.lower():  # Lance, where a flag of a table is not known to it
        return "a later version of LanceDB wrote it. Update with: pip install -U lancedb"
    if re.search("out of memory|resources exhausted", text, re.IGNORECASE):
        return "there is not enough memory"
    if "conflict" in text.lower():
        return "other processes are writing to it. Repeat it later"
    return os.strerror(number).lower() if number else ""


def missing(error: BaseException) -> bool:
    """Whether a file that should be there is not."""
    text = str(error)
    named = re.search(
        rf"os error {_NO_SUCH_FILE}\b|\[errno {_NO_SUCH_FILE}\]|not found", text, re.I
    )
    return bool(named) or getattr(error, "errno", None) == _NO_SUCH_FILE


def count(n: int, one: str) -> str:
    """A number and its noun.

    >>> count(1, "row"), count(2300, "row")
    ('1 row', '2,300 rows')
    """
    return f"{n:,} {one if n == 1 else f'{one}s'}"
