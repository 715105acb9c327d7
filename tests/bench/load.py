"""Searches of many visitors at once: bare websocket clients, each typing one query after another.

A client opens the Search page, then sends a query as the browser does (the text, in a run of the
page's fragment), waits until all of its results are sent, without their thumbnails, and sends the
next one; there is no pause between. Every query is another one, so that nothing is cached.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from itertools import count
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from core.workbench import Workbench
from tests.bench.page.synthetic import DOING, NAME, PLACES, SUBJECTS, fill
from tests.bench.rows import figures, row
from tests.fixtures.browser import served

ROWS, CLIENTS, SECONDS = 20_000, (1, 8, 16, 32), 30.0
LONG_S = 300.0  # SEXTANT_BENCH_SECONDS: how long the most clients stay
MOST_BYTES = 64 << 20


def run() -> list[dict[str, Any]]:
    """Milliseconds from a query to its results, by number of clients; then memory over time."""
    with TemporaryDirectory() as folder:
        bench = Workbench(folder)
        fill(bench, ROWS, 1)
        bench.finish_encoders()
        with served(folder) as address:
            asyncio.run(_visit(address, 1, 5.0, "first"))
            rows = [_latency(address, n) for n in CLIENTS]
            long = float(os.environ.get("SEXTANT_BENCH_SECONDS") or LONG_S)
            return [*rows, _memory(address, CLIENTS[-1], long)]


def _latency(address: str, clients: int) -> dict[str, Any]:
    server, started = _server(address), perf_counter()
    before = sum(server.cpu_times()[:2])
    times = asyncio.run(_visit(address, clients, SECONDS, f"{clients}"))
    spent = sum(server.cpu_times()[:2]) - before
    answers, busy = np.array(times["answers"]), len(times["busy"])
    p50, p95 = np.quantile(answers, [0.5, 0.95])
    rate, each = len(answers) / (perf_counter() - started), 1000 * spent / len(answers)
    note = (
        f"p95 {1000 * p95:.0f} ms; {len(answers)} results, {busy} times busy, "
        f"{len(times['errors'])} errors; {rate:.1f} results/s, {each:.0f} ms of processor time each"
    )
    return row(f"results, {clients} clients", ROWS, 512, round(1000 * p50), "ms", note)


def _memory(address: str, clients: int, seconds: float) -> dict[str, Any]:
    """Megabytes a minute, by a line through the second half of the resident sizes."""

    async def watched() -> tuple[dict[str, list[float]], list[float]]:
        visit = asyncio.create_task(_visit(address, clients, seconds, "long"))
        sizes = []
        while not visit.done():
            sizes.append(resident_mb(address))
            await asyncio.sleep(1)
        return visit.result(), sizes

    times, sizes = asyncio.run(watched())
    late = sizes[len(sizes) // 2 :]
    drift, margin = slope(late, len(late))
    note = (
        f"{clients} clients for {seconds:.0f} s: {len(times['answers'])} results, "
        f"{len(times['busy'])} times busy, {len(times['errors'])} errors; slope over the second "
        f"half {60 * (drift - margin):+.1f} to {60 * (drift + margin):+.1f} MB a minute"
    )
    return row("memory of the server", ROWS, 512, figures(sizes[-1]), "MB", note)


def slope(sizes: Sequence[float], seconds: float) -> tuple[float, float]:
    """Change a second by least squares, and its 95% margin.

    From tenths of the time, as neighboring sizes depend on each other.

    >>> drift, margin = slope([float(n) for n in range(100)], 50.0)
    >>> round(drift, 6), margin < 1e-6
    (2.0, True)
    """
    means = np.array([part.mean() for part in np.array_split(np.array(sizes), 10)])
    at = (np.arange(10) + 0.5) * seconds / 10
    (change, start), covariance = np.polyfit(at, means, 1, cov="unscaled")
    rest = means - (change * at + start)
    return float(change), float(2.306 * np.sqrt(rest @ rest / 8 * covariance[0, 0]))


def resident_mb(address: str) -> float:
    """What the server holds in memory now."""
    return _server(address).memory_info().rss / 2**20


def _server(address: str) -> psutil.Process:
    """The process that listens."""
    port = int(address.rpartition(":")[2])
    listening = [c for c in psutil.net_connections("tcp") if c.laddr and c.laddr.port == port]
    return psutil.Process(next(c.pid for c in listening if c.status == psutil.CONN_LISTEN))


async def _visit(address: str, clients: int, seconds: float, name: str) -> dict[str, list[float]]:
    """Seconds of every result, busy answer and error of some clients at once."""
    times: dict[str, list[float]] = {"answers": [], "busy": [], "errors": []}
    ready = asyncio.Barrier(clients)
    visits = [_client(address, f"{name} {n}", ready, seconds, times) for n in range(clients)]
    await asyncio.gather(*visits)
    return times


async def _client(
    address: str, name: str, ready: asyncio.Barrier, seconds: float, times: dict[str, list[float]]
) -> None:
    uri = f"{address.replace('http', 'ws')}/_stcore/stream"
    async with connect(
        uri, subprotocols=[Subprotocol("streamlit")], max_size=MOST_BYTES, ping_timeout=None
    ) as socket:
        opened = await _run(socket, BackMsg(rerun_script={"query_string": f"collection={NAME}"}))
        box, fragment = _box(opened)
        await ready.wait()
        ends, random = perf_counter() + seconds, Random(name)
        for n in count():
            if perf_counter() > ends:
                return
            words = (random.choice(part) for part in (SUBJECTS, DOING, PLACES))
            asked = BackMsg(
                rerun_script={
                    "query_string": f"collection={NAME}",
                    "fragment_id": fragment,
                    "page_script_hash": opened[0].new_session.page_script_hash,
                    "widget_states": {
                        "widgets": [{"id": box, "string_value": f"{' '.join(words)} {name} {n}"}]
                    },
                }
            )
            started = perf_counter()
            said = await _run(socket, asked)
            times[_kind(said)].append(perf_counter() - started)


async def _run(socket: ClientConnection, message: BackMsg) -> list[ForwardMsg]:
    """What the server sends until the run has ended."""
    await socket.send(message.SerializeToString())
    said = []
    while True:
        data = await socket.recv(decode=False)
        said.append(ForwardMsg.FromString(data))
        if said[-1].WhichOneof("type") == "script_finished":
            return [one for one in said if one.WhichOneof("type") in ("new_session", "delta")]


def _box(opened: list[ForwardMsg]) -> tuple[str, str]:
    """The id of the query's box, and of the fragment it is in."""
    for message in opened:
        element = message.delta.new_element
        if element.text_input.label == "Query":
            return element.text_input.id, message.delta.fragment_id
    raise ValueError("The page has no box for a query.")


def _kind(said: list[ForwardMsg]) -> str:
    elements = [message.delta.new_element for message in said]
    if any(e.exception.type or (e.alert.format == e.alert.ERROR) for e in elements):
        return "errors"
    if any("busy" in e.alert.body for e in elements):
        return "busy"
    found = any(e.bidi_component.component_name == "sextant_gallery" for e in elements)
    return "answers" if found else "errors"
