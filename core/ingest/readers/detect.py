"""The source at a path: the first form that recognizes it reads it."""

from __future__ import annotations

from pathlib import Path

from core.errors import UnknownName, UnreadableFile
from core.ingest.readers.files import Folder, Tree, suffix
from core.ingest.readers.folders import FOLDER, IMAGE, SUPPORTED, TABLES, table_file
from core.ingest.readers.forms import Form, SourceForm
from core.ingest.readers.records import ReadOptions, Source
from core.ingest.readers.rows import DETECT
from core.ingest.readers.zips import Zip

_SOURCES: tuple[SourceForm, ...] = (IMAGE, FOLDER)
FORMS: tuple[Form, ...] = (*_SOURCES, *TABLES)


def read(path: str | Path, root: Path | None = None, options: ReadOptions = DETECT) -> Source:
    """Detect the form of a source and read it.

    A folder or zip yields all its images, with the captions, labels and attributes of the table at
    its top. A table by its own path yields only the images and texts that it names.

    Args:
        path: a folder or a file.
        root: when given, nothing outside this folder is read.
        options: what is not to be detected.

    Raises:
        InputError: no such path, outside `root`, or none of the forms; or no form of that name.
    """
    names = [form.name for form in FORMS]
    if options.form and options.form not in names:
        raise UnknownName("form", options.form, names)
    tree, file = _tree(allowed(path, root), root)
    for form in _SOURCES:
        if form.name == options.form or (form.recognizes(tree, file) and not _is_table(options)):
            return form.read(tree, file, options)
    if not file:
        return FOLDER.read(tree, file, options)
    if not _is_table(options) and not any(suffix(file) in form.suffixes for form in TABLES):
        raise UnreadableFile(file, f"its format is not supported. Supported: {SUPPORTED}")
    return table_file(tree, file, options)


def _is_table(options: ReadOptions) -> bool:
    """Whether a form of tables was asked for."""
    return options.form in [form.name for form in TABLES]


def _tree(place: Path, root: Path | None) -> tuple[Tree, str]:
    """The tree at a path, and the file in it that was asked for; "" for all of it."""
    if place.is_dir():
        return Folder(place), ""
    if suffix(place.name) == ".zip":
        return Zip(place), ""
    top = place.parent
    if top.name.startswith("annotation") and (root is None or top != root.resolve()):
        top = top.parent  # COCO's images lie beside the folder of its annotations
    return Folder(top), place.relative_to(top).as_posix()


def allowed(path: str | Path, root: Path | None) -> Path:
    """The path with all links followed.

    Raises:
        InputError: no such path, or outside `root`.
    """
    try:
        place = Path(path).expanduser().resolve(strict=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise UnreadableFile(str(path), "there is no such file or folder") from error
    if root is not None and not place.is_relative_to(root.resolve()):
        raise UnreadableFile(str(path), f"it is not in {root}, the folder that may be read")
    return place
