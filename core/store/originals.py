"""Original bytes of items: copies of images that have no file, under the digest of their bytes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from pyarrow import fs

from core.errors import UnreadableFile
from core.store.database import is_remote
from core.store.schema import image_digest
from core.store.table import RETENTION, store_errors
from core.types import Item, Rejected

UNFINISHED = "unfinished"
PATIENCE_S = 15


class Originals:
    """A folder of images: `ab/abcdef...`, each written under a temporary name, then renamed.

    Args:
        uri: the collection's folder or address.
        what: the collection's name in messages.
    """

    def __init__(self, uri: str, what: str) -> None:
        self._uri = uri
        self._what = what

    def write(self, digest: str, data: bytes) -> None:
        """Store an image, unless it is stored already."""
        with store_errors(f"{self._what} cannot be written"):
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
        """An image's bytes; None where there is none of that digest."""
        with store_errors(f"{self._what} cannot be read"):
            files, path = self._place(digest)
            if files.get_file_info(path).type is not fs.FileType.File:
                return None
            with files.open_input_stream(path) as stream:
                return bytes(stream.read())

    def delete(self, digest: str) -> None:
        """Delete an image."""
        with store_errors(f"{self._what} cannot be written"):
            files, path = self._place(digest)
            if files.get_file_info(path).type is fs.FileType.File:
                files.delete_file(path)

    def digests(self) -> set[str]:
        """The digests of all stored images."""
        with store_errors(f"{self._what} cannot be read"):
            files, path = place(self._uri)
            every = fs.FileSelector(f"{path}/originals", allow_not_found=True, recursive=True)
            found = [file for file in files.get_file_info(every) if file.type is fs.FileType.File]
            return {f.base_name for f in found if f"/{UNFINISHED}/" not in f.path}

    def delete_unfinished(self) -> None:
        """Delete what killed processes left half written; younger files may still be written."""
        with store_errors(f"{self._what} cannot be written"):
            files, folder = self._place(UNFINISHED)
            for file in files.get_file_info(fs.FileSelector(folder, allow_not_found=True)):
                if file.mtime < datetime.now(UTC) - RETENTION:
                    files.delete_file(file.path)

    def payload(self, item: Item, content: str) -> bytes:
        """An image's bytes from its file or its copy, checked by their digest; or a text as UTF-8.

        Raises:
            UnreadableFile: the file is gone or has changed.
        """
        if item.kind == "text":
            return item.payload
        if not item.source:
            data = self.read(content) if content else None
            if data is None:
                raise UnreadableFile(item.name, "only its vector is stored, not the image")
            return data
        try:
            data = Path(item.source).read_bytes()
        except OSError as error:
            reason = f"its file can no longer be read ({item.source})"
            raise UnreadableFile(item.name, reason) from error
        if content and image_digest(data) != content:
            reason = f"its file has changed since it was added ({item.source})"
            raise UnreadableFile(item.name, reason)
        return data

    def with_payload(self, item: Item, content: str) -> Item | Rejected:
        """The item with its payload, or the reason why it has none."""
        try:
            data = self.payload(item, content)
        except UnreadableFile as error:
            return Rejected(item.name, error.reason)
        if not data:
            return Rejected(item.name, "only its vector is stored, not the text")
        return replace(item, payload=data)

    def _place(self, name: str) -> tuple[fs.FileSystem, str]:
        files, folder = place(self._uri)
        below = name if name == UNFINISHED else f"{name[:2]}/{name}"
        return files, f"{folder}/originals/{below}"


def place(uri: str) -> tuple[fs.FileSystem, str]:
    """The file system of a folder or address, and the path in it."""
    if is_remote(uri):
        # Without a network, pyarrow tries to reach Google for two and a half minutes.
        brief = f"?retry_limit_seconds={PATIENCE_S}" if uri.startswith("gs:") else ""
        files, folder = fs.FileSystem.from_uri(uri + brief)
        return files, folder.rstrip("/")
    return fs.LocalFileSystem(), Path(uri).as_posix()
