"""Copies of pictures that have no file of their own, stored under the digest of their bytes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from pyarrow import fs

from core.errors import UnreadableFile
from core.store.lance import KEPT, is_remote, sentences
from core.store.schema import picture_digest
from core.types import Item, Rejected

UNFINISHED = "unfinished"


class Originals:
    """A folder of pictures: `ab/abcdef...`, each written under another name, then renamed.

    Args:
        uri: the collection's folder or address.
        what: what it is called in sentences.
    """

    def __init__(self, uri: str, what: str) -> None:
        self._uri = uri
        self._what = f"{what} at {uri}"

    def write(self, digest: str, data: bytes) -> None:
        """Keep a picture; one that is there already is left alone."""
        with sentences(f"{self._what} cannot be written"):
            files, path = self._place(digest)
            if files.get_file_info(path).type is fs.FileType.File:
                return
            files.create_dir(path.rpartition("/")[0], recursive=True)
            folder = self._place(UNFINISHED)[1]
            files.create_dir(folder, recursive=True)
            unfinished = f"{folder}/{uuid4().hex}"
            with files.open_output_stream(unfinished) as stream:
                stream.write(data)
            files.move(unfinished, path)

    def read(self, digest: str) -> bytes | None:
        """A picture's bytes; None when there is none of that digest."""
        with sentences(f"{self._what} cannot be read"):
            files, path = self._place(digest)
            if files.get_file_info(path).type is not fs.FileType.File:
                return None
            with files.open_input_stream(path) as stream:
                return bytes(stream.read())

    def delete(self, digest: str) -> None:
        """Forget a picture."""
        with sentences(f"{self._what} cannot be written"):
            files, path = self._place(digest)
            if files.get_file_info(path).type is fs.FileType.File:
                files.delete_file(path)

    def tidy(self) -> None:
        """Delete what killed runs left half written; what is young may still be written."""
        with sentences(f"{self._what} cannot be written"):
            files, folder = self._place(UNFINISHED)
            found = files.get_file_info(fs.FileSelector(folder, allow_not_found=True))
            for file in found:
                if file.mtime < datetime.now(UTC) - KEPT:
                    files.delete_file(file.path)

    def payload(self, item: Item, content: str) -> bytes:
        """A picture's bytes from its file or its copy, checked against what was added; or a text.

        Raises:
            UnreadableFile: the file is gone or is another picture now.
        """
        if item.kind == "text":
            return item.payload
        if not item.source:
            data = self.read(content) if content else None
            if data is None:
                raise UnreadableFile(item.name, "only its vector is known, not the picture itself")
            return data
        try:
            data = Path(item.source).read_bytes()
        except OSError as error:
            reason = f"its file cannot be read any more ({item.source})"
            raise UnreadableFile(item.name, reason) from error
        if content and picture_digest(data) != content:
            reason = f"its file is another picture than the one that was added ({item.source})"
            raise UnreadableFile(item.name, reason)
        return data

    def filled(self, item: Item, content: str) -> Item | Rejected:
        """The item with its payload, or why it has none."""
        try:
            data = self.payload(item, content)
        except UnreadableFile as error:
            return Rejected(item.name, error.reason)
        if not data:
            return Rejected(item.name, "only its vector is known, not the text itself")
        return replace(item, payload=data)

    def _place(self, name: str) -> tuple[fs.FileSystem, str]:
        files, folder = place(self._uri)
        below = name if name == UNFINISHED else f"{name[:2]}/{name}"
        return files, f"{folder}/originals/{below}"


def place(uri: str) -> tuple[fs.FileSystem, str]:
    """The file system of a folder or address, and the path in it."""
    if is_remote(uri):
        files, folder = fs.FileSystem.from_uri(uri)
        return files, folder.rstrip("/")
    return fs.LocalFileSystem(), Path(uri).as_posix()
