"""Tars: members are found wherever they lie, damage is named, and what is before it is read."""

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from core.errors import InputError
from core.ingest.readers.tars import Tar
from core.types import Rejected
from tests.fixtures.files import tar_of

FILES = {f"set/{i}.bin": bytes([i]) * (700 * i + 1) for i in range(9)}


@pytest.mark.parametrize("ending", ["tar", "tar.gz", "tar.bz2", "tar.xz"])
def test_every_compression_gives_every_member_in_any_order(tmp_path: Path, ending: str) -> None:
    tar = Tar(tar_of(tmp_path / f"a.{ending}", {**FILES, "set/.DS_Store": b"x"}))
    assert tar.names == tuple(sorted(FILES)) and tar.rejected == ()
    for name in ("set/8.bin", "set/0.bin", "set/5.bin"):
        assert tar.read(name) == FILES[name]
    with pytest.raises(InputError, match=r"set/9.bin: there is no such file in the tar"):
        tar.read("set/9.bin")


def test_a_truncated_or_damaged_tar_keeps_what_comes_before(tmp_path: Path) -> None:
    place = tar_of(tmp_path / "a.tar", FILES)
    data = place.read_bytes()
    with tarfile.open(place) as tar:
        at = tar.getmember("set/5.bin").offset
    damaged = data[:at] + b"?" * 512 + data[at + 512 :]
    before = "within set/5.bin; the files before it were read"
    after = "after set/4.bin; the files up to there were read"
    for bad, where in ((data[: at + 1000], before), (damaged, after), (data[:at], after)):
        place.write_bytes(bad)
        found = Tar(place)
        assert found.names == tuple(f"set/{i}.bin" for i in range(5))
        assert found.read("set/4.bin") == FILES["set/4.bin"]
        assert found.rejected == (Rejected("a.tar", f"it is truncated or damaged {where}"),)


def test_a_truncated_compressed_tar_keeps_what_can_be_decompressed(tmp_path: Path) -> None:
    place = tar_of(tmp_path / "a.tar.gz", {f"{i}.bin": bytes(range(256)) * 99 for i in range(40)})
    place.write_bytes(place.read_bytes()[:-2000])
    tar = Tar(place)
    assert 0 < len(tar.names) < 40 and tar.rejected[0].name == "a.tar.gz"
    assert tar.read("0.bin") == bytes(range(256)) * 99


def test_links_devices_and_paths_that_lead_outside_are_rejected(tmp_path: Path) -> None:
    place = tmp_path / "a.tar"
    with tarfile.open(place, "w") as tar:
        for name, kind in (("link", tarfile.SYMTYPE), ("pipe", tarfile.FIFOTYPE)):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            tar.addfile(member)
        for name in ("../up.jpg", "/abs.jpg", "ok.jpg"):
            tar.addfile(tarfile.TarInfo(name), io.BytesIO())
    tar = Tar(place)
    assert tar.names == ("ok.jpg",)
    assert {r.name: r.reason for r in tar.rejected} == {
        "link": "it is a link, not a file; unpack the tar and ingest the folder",
        "pipe": "it is not an ordinary file",
        "../up.jpg": "its name leads outside of the tar",
        "/abs.jpg": "its name leads outside of the tar",
    }


def test_what_is_no_tar_and_what_decompresses_too_far(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(b"hello" * 500)
    (tmp_path / "b.tar").write_bytes(b"")
    for name in ("a.tar", "b.tar"):
        with pytest.raises(InputError, match=f"{name}: it is not a tar, or it is damaged"):
            Tar(tmp_path / name)
    bomb = tar_of(tmp_path / "c.tar", {"zeros.jpg": bytes(30_000_000)})
    (tmp_path / "c.tar.gz").write_bytes(gzip.compress(bomb.read_bytes()))
    with pytest.raises(InputError, match=r"c.tar.gz: it decompresses 3\d\d times"):
        Tar(tmp_path / "c.tar.gz")
