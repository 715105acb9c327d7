"""Files uploaded in a browser, and paths typed there.

Uploaded images become one zip in the home: the store copies each of them, and the zip is deleted
after the ingest. A single table or vector file stays as it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path, PurePath
from shlex import quote
from shutil import copyfileobj, rmtree
from time import time
from typing import BinaryIO
from uuid import uuid4
from zipfile import ZipFile, is_zipfile

from core.errors import InputError, StoreError, UnreadableFile, clean
from core.ingest.images import IMAGE_SUFFIXES
from core.ingest.readers.files import hidden

MAX_NAME = 200  # bytes
MAX_SUFFIX = 16
MAX_AGE_S = 7 * 24 * 3600
Upload = tuple[str, BinaryIO]


def allowed_root() -> Path | None:
    """The folder that typed paths must lie in; None where none may be typed.

    It is that of `serve --root`, which $SEXTANT_ROOT names, else the user's home. The variable is
    empty where other computers reach the app and no folder was named.
    """
    named = os.environ.get("SEXTANT_ROOT")
    return None if named == "" else Path(named or Path.home()).expanduser().resolve()


def allowed_path(path: str) -> Path:
    """A typed path, with all links followed.

    Raises:
        InputError: nothing typed, no such file, hidden, or outside the allowed root.
    """
    named = path.strip().strip("'\"")
    if not named:
        raise InputError(
            "Drop files or choose them, or type the path of a folder or file on this computer."
        )
    try:
        typed = Path(named).expanduser()
    except RuntimeError:  # ~nobody: nobody learns from the answer who has an account
        typed = Path(os.sep, named)
    try:
        place = ((allowed_root() or Path.home()) / typed).resolve()
        exists = place.exists()
    except (OSError, ValueError, RuntimeError):  # too long, a null byte, an endless link
        raise InputError(f"There is no file or folder {named}.") from None
    root_of(place, named)
    if not exists:
        raise InputError(f"There is no file or folder {named}.")
    return place


def root_of(place: Path, named: str) -> Path:
    """The allowed root, which a path lies in.

    Args:
        place: the path with all links followed; messages do not tell where they lead.
        named: the path as it was given.

    Raises:
        InputError: hidden, or outside the allowed root.
    """
    root = allowed_root()
    if root is None:
        raise InputError(
            "This server reads no files by path. To allow a folder, start it with: "
            "sextant serve --root DIR"
        )
    inside = place.is_relative_to(root)
    if hidden((place.relative_to(root) if inside else place).as_posix()):
        raise InputError(
            f"{named} is hidden, or in a hidden folder: this app does not read it. Move it, or use "
            "the command line: sextant ingest PATH"
        )
    if not inside:
        folder = place if place.is_dir() else place.parent
        known = quote(str(folder)) if named == str(place) else "DIR"
        raise InputError(
            f"{named} is not in {root}, the folder that this app may read. To allow its folder, "
            f"start the app with: sextant serve --root {known}"
        )
    return root


def save_uploads(files: Iterable[Upload], folder: Path) -> Path:
    """Save uploaded files in `folder`; returns the path to ingest.

    Args:
        files: name and open content of each; at most one zip.
        folder: the home's folder of uploads; those older than a week are deleted.

    Returns:
        the zip, with the other files added to it; without a zip, one of all files; a single file
        that is not an image as it is.

    Raises:
        InputError: no file, several zips, or one that is none.
    """
    files = [(_name(name), data) for name, data in files]
    if not files:
        raise InputError("There is no file to ingest. Choose images, a zip or a captions file.")
    zips = [(name, data) for name, data in files if name.lower().endswith(".zip")]
    if len(zips) > 1:
        raise InputError(f"{len(zips)} zips were chosen; allowed: one at a time.")
    for name, data in zips:
        if not is_zipfile(data):
            raise UnreadableFile(name, "it is not a zip file, or it is damaged")
        data.seek(0)
    place = folder / uuid4().hex[:12]
    try:
        _clean(folder)
        folder.parent.mkdir(0o700, parents=True, exist_ok=True)
        place.mkdir(parents=True)
        return _place(zips, [f for f in files if f not in zips], place)
    except (OSError, ValueError) as error:
        rmtree(place, ignore_errors=True)
        raise StoreError(f"The files cannot be saved: {error}.") from error


def discard_upload(path: Path, folder: Path) -> None:
    """Delete a saved upload after its ingest; other paths are left alone."""
    if path.resolve().is_relative_to(folder.resolve()):
        path.unlink(missing_ok=True)
        if path.parent.exists() and not any(path.parent.iterdir()):
            path.parent.rmdir()


def _name(sent: str) -> str:
    """The name to save a file under, whatever a browser sent.

    >>> _name("a/../b.jpg"), _name(".."), len(_name("é" * 5000 + ".csv"))
    ('b.jpg', 'file', 102)
    """
    name = PurePath(clean(sent).replace("\\", "/")).name
    path = PurePath(name if name.strip(".") else "file")
    short = path.suffix[:MAX_SUFFIX]
    stem = path.stem.encode()[: MAX_NAME - len(short.encode())]
    return stem.decode("utf-8", "ignore") + short


def _place(zips: list[Upload], others: list[Upload], place: Path) -> Path:
    if not zips and len(others) == 1:
        name, data = others[0]
        if PurePath(name).suffix.lower() not in IMAGE_SUFFIXES:
            return _write(place / name, data)
    path = place / "files.zip"
    if zips:
        path = _write(place / zips[0][0], zips[0][1])
    if others:
        _pack(path, others)
    return path


def _write(path: Path, data: BinaryIO) -> Path:
    with path.open("wb") as out:
        copyfileobj(data, out, 1 << 20)
    return path


def _pack(path: Path, files: list[Upload]) -> None:
    """Add files to a zip; a repeated name gets a number."""
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
    """Delete uploads that were not ingested within a week."""
    for old in folder.iterdir() if folder.exists() else ():
        if time() - old.stat().st_mtime > MAX_AGE_S:
            rmtree(old)
