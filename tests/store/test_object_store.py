"""Collections on an object store: a local S3 server in place of a real one."""

import socket
import subprocess
import sys
import time
from urllib.request import Request, urlopen

import pytest

from core.errors import StoreError, UnknownName
from core.store import Home
from core.store.items import Counts
from core.types import Item
from core.workbench import Workbench
from tests.fixtures.files import encoded, folder_of, jsonl

pytest.importorskip("moto", reason="pip install 'moto[server]'")
pytestmark = [pytest.mark.hardening, pytest.mark.slow]
TEXT = Item("text", b"a red square", "a")
IMAGE = Item("image", b"not read", "a.png")


@pytest.fixture(scope="module")
def address():
    """The address of an S3 server with the bucket `box`."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-p", str(port)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(command, **quiet)
    endpoint = f"http://localhost:{port}"
    try:
        for _ in range(300):
            try:
                urlopen(Request(f"{endpoint}/box", method="PUT"), timeout=2).close()
                break
            except OSError:
                time.sleep(0.1)
        yield endpoint
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture(autouse=True)
def account(monkeypatch, address):
    for name, value in {
        "AWS_ACCESS_KEY_ID": "somebody", "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT": address, "AWS_ENDPOINT_URL": address, "AWS_ALLOW_HTTP": "true",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)


def test_ingest_search_and_delete(tmp_path):
    from PIL import Image

    rows = [{"image": f"{c}.png", "captions": [f"a {c} square"]} for c in ("red", "blue")]
    files = {row["image"]: encoded(Image.new("RGB", (32, 32), row["image"][:-4])) for row in rows}
    source = folder_of(tmp_path / "source", {**files, "items.jsonl": jsonl(*rows)})
    bench = Workbench("s3://box/ingested")
    bench.ingest("pets", source / "items.jsonl", encoder="toy")
    bench = Workbench("s3://box/ingested")
    best = bench.search(bench.open("pets"), "red").hits[0]
    assert bench.items("pets", [best.id])[0].name == "red.png"
    bench.delete("pets")
    assert Workbench("s3://box/ingested").names() == ()


def test_copies_are_kept_checked_and_deleted():
    Home("s3://box/copies").create("pets").add([IMAGE, TEXT], (), {IMAGE.id: b"webp"})
    pets = Home("s3://box/copies").open("pets")
    assert pets.counts() == Counts(1, 1, 0)
    assert pets.payload(IMAGE.id) == b"not read"
    assert Workbench("s3://box/copies").check("pets") == ()
    pets.edits.delete([IMAGE.id])
    assert Home("s3://box/copies").open("pets").counts() == Counts(0, 1, 0)


def test_a_fault_in_the_middle_leaves_what_reads_and_can_be_repeated(monkeypatch):
    from core.store.table import Table

    merge = Table.merge

    def fails_at_items(self, rows, *arguments, **more):
        if "kind" in rows.column_names:
            raise StoreError("the connection is gone")
        merge(self, rows, *arguments, **more)

    pets = Home("s3://box/fault").create("pets")
    with monkeypatch.context() as patched:
        patched.setattr(Table, "merge", fails_at_items)
        with pytest.raises(StoreError, match="the connection is gone"):
            pets.add([IMAGE], (), {IMAGE.id: b"webp"})
    again = Home("s3://box/fault").open("pets")
    assert again.counts() == Counts(0, 0, 0)
    again.add([IMAGE], (), {IMAGE.id: b"webp"})
    assert Home("s3://box/fault").open("pets").counts() == Counts(1, 0, 0)


@pytest.mark.parametrize("use", [Home.names, lambda home: home.create("pets")])
def test_a_bucket_that_does_not_exist_is_no_empty_home(use):
    with pytest.raises(
        StoreError, match=r"home of the collections cannot be .*: there is no such bucket"
    ):
        use(Home("s3://nowhere/home"))


def test_another_name_is_unknown_as_on_a_disk():
    with pytest.raises(UnknownName):
        Home("s3://box/empty").open("birds")


@pytest.fixture
def denied(monkeypatch, address):
    """The keys of somebody whom the server knows and who may do nothing."""
    import boto3

    users = boto3.client("iam", endpoint_url=address)
    users.create_user(UserName="nobody")
    key = users.create_access_key(UserName="nobody")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    free_calls(address, 0)
    yield
    free_calls(address, 10**9)


def free_calls(address, n):
    """From the call after the next n the server asks for rights."""
    text = {"Content-Type": "text/plain"}
    urlopen(Request(f"{address}/moto-api/reset-auth", str(n).encode(), text), timeout=10).close()


def test_denied_access_is_a_sentence_and_no_empty_home(denied, tmp_path):
    uses = [
        Home.names,
        lambda home: home.create("birds"),
        lambda home: Workbench(home.uri).ingest("birds", tmp_path, encoder="toy"),
    ]
    (tmp_path / "a.txt").write_text("red\nblue\n")
    for use in uses:
        with pytest.raises(
            StoreError, match=r"home of the collections cannot be (read|written): permission denied"
        ):
            use(Home("s3://box/denied"))
