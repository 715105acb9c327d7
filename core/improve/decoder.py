"""The few lines of numpy that read a file of compressed rows without Sextant."""

from __future__ import annotations

from core.improve.compression import Compressed

START = '''\
import numpy as np
from safetensors.numpy import load_file

def load_rows(path, kind):
    """(n, d) float32 rows of kind "image" or "text"; a score is the product of query and row."""
    a = {name.removeprefix(f"{kind}."): array for name, array in load_file(path).items()}
'''


def decoder(kept: Compressed) -> str:
    """A program whose `load_rows` gives the rows of one kind from the file of these codes.

    It has the lines that this way needs, about ten; rows with attributes have these after the d
    numbers of the vector.

    >>> import numpy as np
    >>> from core.improve import compressed, fit_way, parse_way
    >>> from core.types import Space
    >>> space, way = Space(np.eye(4, dtype="f4"), tuple("abcd"), 4), parse_way("float16")
    >>> decoder(compressed(space, fit_way(space, way), way)).splitlines()[-2:]
    ['    rows = a["code"].astype(np.float32)', '    return rows']
    """
    names = {name.rpartition(".")[2] for name in kept.arrays}
    lines = [*_coordinates(kept, names), *_rows(kept, names), "return rows"]
    return START + "".join(f"    {line}\n" for line in lines)


def _coordinates(kept: Compressed, names: set[str]) -> list[str]:
    """Lines from codes to the numbers that they stand for."""
    if any(codes["code"].ndim == 3 for codes in kept.codes.values()):  # planes, lowest bit first
        apart = ' - a["first"].shape[1]' if "first" in names else ""
        lines = [
            f'bits = np.unpackbits(a["code"], axis=2, count=a["dims"][0]{apart})',
            "rows = sum(np.float32(2**j) * bits[:, j] for j in range(bits.shape[1]))",
        ]
    elif "centroids" in names:
        lines = [
            'rows = a["centroids"][np.arange(a["code"].shape[1]), a["code"]]',
            'rows = rows.reshape(len(rows), -1)[:, : a["dims"][0]]',
        ]
    else:
        lines = ['rows = a["code"].astype(np.float32)']
    more = {
        "step": 'rows = rows * a["step"] + a["low"]',
        "scale": 'rows = rows * a["scale"][:, None]',
        "first": 'rows = np.column_stack([a["first"], rows])',
        "center": 'rows = rows + a["share"][:, None] * a["centers"][a["center"]]',
        "of": 'rows = rows[a["of"]]',
    }
    return [*lines, *(line for name, line in more.items() if name in names)]


def _rows(kept: Compressed, names: set[str]) -> list[str]:
    """Lines from these numbers to rows."""
    if kept.fitted.symmetric:  # queries become codes as well
        return ["rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)"]
    coder = next(iter(kept.fitted.coders.values()))
    lines = []
    if coder.to_rows is not None:
        lines.append('rows = rows @ a["up"]' if "up" in names else 'rows = rows @ a["down"].T')
    elif coder.dims < coder.d:
        lines.append(f"rows = np.pad(rows, ((0, 0), (0, {coder.d - coder.dims})))")
    return [*lines, 'rows = rows + a["mean"]'] if "mean" in names else lines
