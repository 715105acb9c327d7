"""Files from a browser, and paths that a browser may name: the way in for what a page takes in.

Dropped pictures become one zip in the home, so that the store keeps a copy of each and the zip can
go once they are in. A lone table or vector file stays as it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path, PurePath
from shutil import copyfileobj, rmtree
from time import time
from typing import BinaryIO
from uuid import uuid4
from zipfile import ZipFile, is_zipfile

from core.errors import InputError, StoreError, UnreadableFile

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".ico")
LEFT_BEHIND_S = 7 * 24 * 3600
Dropped = tuple[str, BinaryIO]


def allowed_root() -> Path:
    """Paths typed in the app must lie below it: $SEXTANT_ROOT, else the user's own folder."""
    return Path(os.environ.get("SEXTANT_ROOT") or Path.home()).expanduser().resolve()


def allowed_path(path: str) -> Path:
    """The path, when it exists below the allowed root; links are followed first.

    Raises:
        InputError: nothing typed, no such file, or outside the root.
    """
    if not path.strip():
        raise InputError("Type the path of a folder or file on this computer.")
    asked = Path(path.strip().strip("'\"")).expanduser()
    found = (asked if asked.is_absolute() else allowed_root() / asked).resolve()
    if not found.is_relative_to(allowed_root()):
        raise InputError(
            f"{found} is not below {allowed_root()}, the folder this app may read. "
            "Set SEXTANT_ROOT to allow another one."
        )
    if not found.exists():
        raise InputError(f"There is no file or folder {found}.")
    return found


def save_uploads(files: Iterable[tuple[str, BinaryIO]], folder: Path) -> Path:
    """Keep dropped files below `folder` and say which path to take in.

    Args:
        files: name and open content of each; at most one zip.
        folder: the home's place for uploads; drops older than a week are removed from it.

    Returns:
        the zip, with the other files added to it; without a zip, one of all files; a lone file that
        is not a picture as it is.

    Raises:
        InputError: nothing was dropped, or several zips.
    """
    files = [(PurePath(name.replace("\\", "/")).name or "file", data) for name, data in files]
    if not files:
        raise InputError("Drop some pictures, a zip or a captions file first.")
    zips = [(name, data) for name, data in files if name.lower().endswith(".zip")]
    if len(zips) > 1:
        raise InputError(f"{len(zips)} zips were dropped; allowed: one at a time.")
    try:
        _clean(folder)
        place = folder / uuid4().hex[:12]
        place.mkdir(parents=True)
        return _place(zips, [f for f in files if f not in zips], place)
    except OSError as error:
        raise StoreError(f"The dropped files were not kept: {error}.") from error


def discard_upload(path: Path, folder: Path) -> None:
    """Remove a kept drop once it has been taken in; other paths are left alone."""
    if path.resolve().is_relative_to(folder.resolve()):
        path.unlink(missing_ok=True)
        if not any(path.parent.iterdir()):
            path.parent.rmdir()


def _place(zips: list[Dropped], loose: list[Dropped], place: Path) -> Path:
    if not zips and len(loose) == 1 and PurePath(loose[0][0]).suffix.lower() not in PICTURES:
        return _write(place / loose[0][0], loose[0][1])
    path = place / "files.zip"
    if zips:
        path = _write(place / zips[0][0], zips[0][1])
        if not is_zipfile(path):
            raise UnreadableFile(zips[0][0], "it is not a zip file, or it is damaged")
    if loose:
        _pack(path, loose)
    return path


def _write(path: Path, data: BinaryIO) -> Path:
    with path.open("wb") as out:
        copyfileobj(data, out, 1 << 20)
    return path


def _pack(path: Path, files: list[Dropped]) -> None:
    """Add files to a zip; a name that is taken gets a number."""
    with ZipFile(path, "a", allowZip64=True) as packed:
        taken = set(packed.namelist())
        for name, data in files:
            stem, suffix, number = PurePath(name).stem, PurePath(name).suffix, 2
            while name in taken:
                name, number = f"{stem} ({number}){suffix}", number + 1
            taken.add(name)
            with packed.open(name, "w", force_zip64=True) as out:
                copyfileobj(data, out, 1 << 20)


def _clean(folder: Path) -> None:
    """Drops that nobody took in within a week."""
    for old in folder.iterdir() if folder.exists() else ():
        if time() - old.stat().st_mtime > LEFT_BEHIND_S:
            rmtree(old)
