"""Writing an export: whole, or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from types import ModuleType

from core.errors import BadParameter, InputError, UnknownName
from core.export.contents import Contents
from core.export.forms import csv, folder, jsonl, lance, parquet, webdataset
from core.types import Rejected

# By the name that `--to` takes.
FORMS: Mapping[str, ModuleType] = {
    "parquet": parquet,
    "csv": csv,
    "jsonl": jsonl,
    "webdataset": webdataset,
    "lance": lance,
    "folder": folder,
}


@dataclass(frozen=True)
class Exported:
    """What was written.

    `files` are all files and folders that lie at the top, the one to ingest first; `unreadable` the
    images of which only the row could be written.
    """

    place: Path
    files: tuple[Path, ...]
    images: int
    texts: int
    unreadable: tuple[Rejected, ...] = ()


def write(contents: Contents, form: str, place: Path) -> Exported:
    """Export to a file or folder.

    It is written into a folder beside its place and then moved, so that a run that is stopped
    leaves nothing.

    Args:
        contents: what to export.
        form: one of `FORMS`.
        place: the file or folder, which must not exist.

    Raises:
        UnknownName: no such form.
        InputError: nothing to export, the place is taken, or it cannot be written.
    """
    if form not in FORMS:
        raise UnknownName("form of an export", form, FORMS)
    if not contents.ids:
        raise InputError("No item is left to export. Choose other filters.")
    suffix = FORMS[form].SUFFIX
    if suffix.startswith(".") and place.suffix.lower() != suffix:
        raise BadParameter("The file of the export", f"'{place.name}'", f"a name with {suffix}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(mkdtemp(prefix=".unfinished-", dir=place.parent))
        try:
            FORMS[form].write(contents, folder / place.name)
            made = sorted(folder.iterdir(), key=lambda file: file.name != place.name)
            moved = [file.name for file in made if (place.parent / file.name).exists()]
            if moved:
                taken = place.parent / moved[0]
                raise InputError(f"{taken} exists already. Give another place with --out.")
            for file in made:
                file.rename(place.parent / file.name)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise InputError(f"{place} cannot be written: {error.strerror or error}.") from error
    return Exported(
        place,
        tuple(place.parent / file.name for file in made),
        contents.images,
        len(contents.ids) - contents.images,
        tuple(contents.unreadable),
    )
