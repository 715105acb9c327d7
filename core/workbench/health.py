"""Health of collections and of what Sextant runs on."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from shutil import disk_usage
from typing import TYPE_CHECKING, Any

from core.encoders import BACKENDS
from core.errors import SextantError, StoreError, UnreadableFile
from core.ingest import decode, thumbnail
from core.types import Rejected

if TYPE_CHECKING:
    from core.store import Problem
    from core.workbench.collections import Workbench

PACKAGES = ("sextant-embeddings", "streamlit", "lancedb", "pyarrow", "pillow", "torch", "openvino")


def check(bench: Workbench, name: str, *, repair: bool = False) -> tuple[Problem, ...]:
    """What does not fit in a collection: lost tables and files, rows of items that are gone, ...

    Args:
        bench: the workbench.
        name: the collection.
        repair: delete rows and copies of items that are gone, and make missing thumbnails again;
            go on without lost tables whose content can be computed or set again.

    Raises:
        UnknownName: there is no such collection.
        StoreError: the disk or the object store failed.
    """
    from core.store import Problem

    collection = bench.home.open(name)
    found = list(collection.problems(repair=repair))
    if any(problem.table and not problem.mended for problem in found):
        return tuple(found)
    missing = collection.without_thumbnail()
    if missing:
        webp = {}
        for item in collection.with_payload(missing) if repair else ():
            if not isinstance(item, Rejected) and item.payload:
                try:
                    webp[item.id] = thumbnail(decode(item.payload, item.name))
                except UnreadableFile:
                    continue
        collection.add([], (), webp)
        n = len(missing)
        sentence = "1 image has no thumbnail." if n == 1 else f"{n:,} images have no thumbnail."
        found.append(Problem(sentence, bool(webp) or not repair, bool(webp)))
    return tuple(found)


def doctor(bench: Workbench) -> dict[str, Any]:
    """Versions, backends, free space, and what does not fit in the home and any collection."""
    health, problem = dict[str, list[str]](), ""
    try:
        names = bench.names()
    except SextantError as error:
        names, problem = (), str(error)
    for name in names:
        try:
            health[name] = [one.sentence for one in check(bench, name)]
        except StoreError as error:
            health[name] = [str(error)]
    there = next(p for p in (bench.folder, *bench.folder.parents) if p.exists())
    return {
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "backends": list(BACKENDS),
        "home": bench.uri,
        "free_gb": round(disk_usage(there).free / 1e9, 1),
        "readable_by_others": bool(
            there == bench.folder == Path(bench.uri) and there.stat().st_mode & 0o077
        ),
        "problem": problem,
        "collections": health,
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"
