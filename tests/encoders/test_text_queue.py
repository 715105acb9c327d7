"""Texts of many threads at once share batches, and each gets its own rows or its own error."""

from threading import Barrier, Event, Semaphore, Thread
from time import sleep

import numpy as np
import pytest

from core.encoders import text_queue
from core.encoders.text_queue import TextQueue


def test_those_who_wait_are_encoded_in_one_batch():
    batches, first, others = [], Event(), Event()

    def encode(texts):
        batches.append(list(texts))
        first.set()
        assert others.wait(10)
        return np.array([[len(text)] for text in texts], np.float32)

    queue, rows, asking = TextQueue(encode), {}, Semaphore(0)

    def ask(text):
        asking.release()
        rows[text] = queue.rows([text]).tolist()

    threads = [Thread(target=ask, args=("x" * n,)) for n in range(1, 6)]
    threads[0].start()
    assert first.wait(10)
    for thread in threads[1:]:
        thread.start()
    for _ in threads:
        asking.acquire()
    sleep(0.3)
    others.set()
    for thread in threads:
        thread.join(10)
    assert batches[0] == ["x"] and sorted(batches[1], key=len) == ["x" * n for n in range(2, 6)]
    assert rows == {"x" * n: [[n]] for n in range(1, 6)}
    assert queue.rows(["xx", "x"]).tolist() == [[2], [1]] and len(batches) == 2


def test_an_error_reaches_who_ran_into_it_and_the_others_are_served():
    together, failed, found = Barrier(6), [], []

    def encode(texts):
        if "bad" in texts:
            raise ValueError
        return np.ones((len(texts), 1), np.float32)

    queue = TextQueue(encode)

    def ask(text):
        together.wait(10)
        try:
            found.append(queue.rows([text, "shared"]).shape)
        except ValueError:
            failed.append(text)

    threads = [Thread(target=ask, args=(text,)) for text in ("bad", *"abcde")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert "bad" in failed and len(failed) + len(found) == 6
    assert queue.rows(["a"]).shape == (1, 1)


def test_only_the_last_rows_are_kept(monkeypatch):
    monkeypatch.setattr(text_queue, "KNOWN", 2)
    encoded = []

    def encode(texts):
        encoded.extend(texts)
        return np.zeros((len(texts), 1), np.float32)

    queue = TextQueue(encode)
    for text in "abca":
        queue.rows([text])
    assert encoded == list("abca")
    with pytest.raises(ValueError):
        queue.rows([])
