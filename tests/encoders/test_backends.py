"""Which backend runs: torch at first, then the faster one; what is cached, and when it is not."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from filelock import FileLock

from core.encoders import backend_cache, backends, checkpoints, steps
from core.encoders.open_clip import OpenClip
from tests.fixtures.encoders import model_folder, patterns

pytest.importorskip("openvino", reason="OpenVINO has no wheel for this machine")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return checkpoints.model(str(model_folder(tmp_path_factory.mktemp("tiny"))))


@pytest.fixture
def at(model, home):
    """Where the text half is cached."""
    return backend_cache.folder(model.text.key)


@pytest.fixture(autouse=True)
def finished(home):
    """No conversion outlives its test."""
    yield
    assert steps.finish(60)


@pytest.fixture
def traced(monkeypatch):
    """How many modules were traced for a conversion."""
    import torch

    count, trace = [], torch.jit.trace
    monkeypatch.setattr(torch.jit, "trace", lambda *a, **k: count.append(1) or trace(*a, **k))
    return count


@pytest.mark.parametrize(("seconds", "backend"), [((2, 1), "openvino"), ((1, 2), "torch")])
def test_torch_runs_until_the_faster_one_is_ready(model, at, seconds, backend, monkeypatch):
    clock = iter([t for each in seconds for _ in range(backends.RUNS) for t in (0, each)])
    monkeypatch.setattr(backends, "perf_counter", lambda: next(clock))
    encoder = OpenClip(model)
    with FileLock(prepared(at)):
        first = encoder.encode_texts(["a dog"])
        assert encoder.passport.backend == "torch"
    assert steps.finish(60)
    assert encoder.passport.backend == backend
    np.testing.assert_allclose(encoder.encode_texts(["a dog"]), first, atol=1e-5)
    assert backend_cache.load_choice(at).parity >= backend_cache.PARITY
    assert (at / backend_cache.GRAPH).exists() == (backend == "openvino")


def prepared(at):
    at.mkdir(parents=True)
    return at / "lock"


def test_the_next_start_converts_nothing(model, at, traced):
    for backend in ("openvino", "auto"):
        encoder = OpenClip(model, backend)
        backend_cache.save_choice(at, backend_cache.Choice(1.0, 2.0, 1.0))
        encoder.encode_texts(["a"])
        assert encoder.passport.backend == "openvino"
    assert len(traced) == 1


@pytest.mark.slow
def test_several_encoders_convert_once(model, traced):
    encoders = [OpenClip(model) for _ in range(3)]
    threads = [threading.Thread(target=e.encode_texts, args=(["a"],)) for e in encoders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert steps.finish(60)
    assert len(traced) == 1


def test_what_another_process_prepares_is_used(model, at, traced):
    encoder = OpenClip(model)
    with FileLock(prepared(at)):
        encoder.encode_texts(["a"])
        deadline = time.monotonic() + 30
        while not steps.preparing() and time.monotonic() < deadline:
            time.sleep(0.01)
        (step,) = steps.preparing()
        assert step.what == backends.WAITING
        backend_cache.save_choice(at, backend_cache.Choice(1.0, 1.0, 2.0))
    assert steps.finish(60)
    assert encoder.passport.backend == "torch"
    assert not traced


def test_the_steps_of_a_conversion_are_announced(model, monkeypatch):
    seen = []
    announce = backends.step
    monkeypatch.setattr(
        backends, "step", lambda *of: seen.append(steps.Step(*of).name) or announce(*of)
    )
    OpenClip(model, "openvino").encode_texts(["a"])
    titles = [name.removeprefix(model.text.title) for name in seen if "step" in name]
    assert titles == [
        ", step 1 of 3: converting to OpenVINO",
        ", step 2 of 3: comparing OpenVINO with torch",
        ", step 3 of 3: saving the faster one",
    ]
    assert steps.preparing() == ()


def test_rows_that_differ_turn_openvino_off(model, at):
    backend_cache.save_choice(at, backend_cache.Choice(0.9999, 2.0, 1.0))
    encoder = OpenClip(model, "openvino")
    encoder.encode_texts(["a"])
    assert encoder.passport.backend == "torch"
    assert "only to a cosine of 0.999900; allowed: 0.99999 or more" in encoder.notes[0]


def test_a_module_that_cannot_be_converted_stays_with_torch(model, monkeypatch):
    import torch

    def fail(*_, **__):
        raise RuntimeError("no such operator\nand much more")

    monkeypatch.setattr(torch.jit, "trace", fail)
    encoder = OpenClip(model)
    encoder.encode_texts(["a"])
    assert steps.finish(60)
    assert encoder.passport.backend == "torch"
    assert encoder.notes[0].endswith("(no such operator); torch does.")


@pytest.mark.slow
def test_graphs_of_the_format_before_are_deleted(model, at):
    old = at.parents[1] / "text-0d19a8e0b056bc7f29-9685c65de415"
    old.mkdir(parents=True)
    (old / "choice.json").write_text("{}", "utf-8")
    OpenClip(model, "openvino").encode_texts(["a"])
    assert not old.exists()


def test_a_home_that_cannot_be_written_is_no_error(model, monkeypatch, tmp_path, rng):
    file = tmp_path / "file"
    file.write_text("not a folder", "utf-8")
    monkeypatch.setenv("SEXTANT_HOME", str(file))
    encoder = OpenClip(model, "openvino")
    assert encoder.encode_images(patterns(rng)).shape == (5, 16)
    assert encoder.passport.backend == "openvino"
    assert backend_cache.load_choice(backend_cache.folder(model.image.key)) is None


def test_small_batches_that_follow_each_other_closely_take_one_thread(model, monkeypatch):
    import torch

    threads, usual, clock = [], torch.get_num_threads(), [100.0]

    class Noted(torch.nn.Module):
        def forward(self, batch):
            threads.append(torch.get_num_threads())
            return batch

    runner = backends.Torch(replace(model.text, build=Noted))
    monkeypatch.setattr(backends, "monotonic", lambda: clock[0])
    torch.set_num_threads(2)
    try:
        for rows in (1, 1, 1, 1, 1, 8, 2 * backends.SMALL):
            runner(np.zeros((rows, 2), np.float32))
        clock[0] += 10
        runner(np.zeros((1, 2), np.float32))
        assert threads == [2, 2, 2, 2, 1, 1, 2, 2]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(usual)
