"""Compressed rows as one safetensors file: codes and all that they need, JSON in the header.

Tensors are named `{image or text}.{name}`, or `{name}` where both kinds share it: code, scale,
first, center, share, of, low, step, centroids, centers, down, up, mean, and dims (2,), which are e
and d; signs, of a table of attributes. `core.improve.decoder` writes what another program needs to
read the rows.
"""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from core.errors import InputError, PassportMismatch
from core.improve.coding import Coder
from core.improve.compression import Compressed
from core.improve.compressors import FittedCompressor
from core.improve.multiplexing import SharedTable
from core.improve.quantizers import QUANTIZERS, Array, Quantizer
from core.improve.recipe import Step
from core.types import KINDS, Kind, Passport

HEADER = "sextant_compressed"
FORMAT = 1
CODES = "code", "scale", "first", "center", "share", "of"


def compressed_to_bytes(kept: Compressed, passport: Passport, steps: tuple[str, ...] = ()) -> bytes:
    """The file of compressed rows.

    Args:
        kept: what is written.
        passport: of the vectors that were compressed.
        steps: repairs that were applied to them before, oldest first.
    """
    coders = {kind: _spec(coder) for kind, coder in kept.fitted.coders.items()}
    header = {
        "format": FORMAT,
        "way": {"name": kept.way.name, "settings": dict(kept.way.settings)},
        "steps": list(steps),
        "symmetric": kept.fitted.symmetric,
        "weight": kept.fitted.table.weight if kept.fitted.table else None,
        "coders": coders,
        "passport": json.loads(passport.to_json()),
    }
    arrays = {name: np.ascontiguousarray(array) for name, array in kept.arrays.items()}
    return save(arrays, {HEADER: json.dumps(header)})


def compressed_from_bytes(
    data: bytes, passport: Passport, steps: tuple[str, ...] = ()
) -> Compressed:
    """The compressed rows of a file; scores and codes are as before, to the bit.

    Args:
        data: of the file.
        passport: of the vectors that queries will be.
        steps: repairs that are applied to these.

    Raises:
        InputError: the file holds no compressed rows, or other repairs came before.
        PassportMismatch: it holds vectors of another encoder.
    """
    header, arrays = _read(data)
    stored = Passport(**header["passport"])
    if stored.model != passport.model:
        raise PassportMismatch(
            stored.model, [("compressed rows", stored.model, f"queries by {passport.model}")]
        )
    passport.check(stored)
    if tuple(header["steps"]) != steps:
        raise InputError(
            f"The rows were compressed after {_chain(header['steps'])}, the queries come after "
            f"{_chain(steps)}. Compress them again."
        )
    coders: dict[Kind, Coder] = {}
    codes: dict[Kind, dict[str, Array]] = {}
    for kind in KINDS:
        if kind not in header["coders"]:
            continue
        own = {name.rpartition(".")[2]: array for name, array in arrays.items() if "." not in name}
        own |= {
            name.rpartition(".")[2]: array
            for name, array in arrays.items()
            if name.startswith(f"{kind}.")
        }
        coders[kind] = _coder(header["coders"][kind], own)
        if "code" in own:
            codes[kind] = {name: own[name] for name in CODES if name in own}
    way = Step(header["way"]["name"], header["way"]["settings"])
    table = SharedTable(arrays["signs"], header["weight"]) if "signs" in arrays else None
    return Compressed(way, FittedCompressor(coders, header["symmetric"], table), codes)


def _spec(coder: Coder) -> dict[str, Any]:
    """What of a coder is no array."""
    quantizer: Any = coder.quantizer
    values = {f.name: getattr(quantizer, f.name) for f in fields(quantizer)}
    plain = {name: value for name, value in values.items() if not isinstance(value, np.ndarray)}
    return {
        "unit": coder.unit,
        "alike": coder.alike,
        "quantizer": type(quantizer).__name__,
        "values": plain,
    }


def _coder(spec: dict[str, Any], arrays: dict[str, Array]) -> Coder:
    make: Any = next(one for one in QUANTIZERS if one.__name__ == spec["quantizer"])
    own = {**arrays, **spec["values"]}
    values = {f.name: own[f.name] for f in fields(make) if f.name in own}
    values = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    quantizer: Quantizer = make(**values)
    dims, d = arrays["dims"].tolist()
    kept = {name: arrays.get(name) for name in ("mean", "down", "up", "centers")}
    return Coder(d, quantizer, dims, **kept, unit=spec["unit"], alike=spec.get("alike", 0.0))


def _read(data: bytes) -> tuple[dict[str, Any], dict[str, Array]]:
    try:
        length = int.from_bytes(data[:8], "little")
        header: dict[str, Any] = json.loads(
            json.loads(data[8 : 8 + length])["__metadata__"][HEADER]
        )
        arrays = load(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise InputError(
            "This file holds no compressed rows. Export some on the Compress page, or with: "
            "sextant compress NAME --keep WAY --export FILE"
        ) from error
    if header["format"] > FORMAT:
        raise InputError("The file was written by a newer Sextant. Update Sextant to read it.")
    return header, arrays


def _chain(steps: object) -> str:
    return ", ".join(steps) if isinstance(steps, list | tuple) and steps else "no repair"
