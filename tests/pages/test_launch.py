"""What the server changes of Streamlit's."""

import inspect
from types import SimpleNamespace

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.fragment import MemoryFragmentStorage
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.media_file_storage import MediaFileStorageError
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from pages.parts import launch


def test_a_run_of_a_fragment_drops_what_is_not_sent_of_those_inside_it():
    """Else the browser gets a part without what it is in, and the tab is dead."""
    storage, queue = MemoryFragmentStorage(), ForwardMsgQueue()
    for name, parent in (("search", None), ("offer", "search"), ("job", None)):
        storage.register(name, lambda: None, parent_fragment_id=parent)
    for place, name in enumerate(("", "search", "offer", "job")):
        message = ForwardMsg()
        message.metadata.delta_path[:] = [0, place]
        message.delta.fragment_id = name
        message.delta.new_element.text.body = name
        queue.enqueue(message)
    assert AppSession._clear_queue is launch._clear_queue
    # Under this name, or the replacement replaces nothing.
    begins = inspect.getsource(AppSession._handle_scriptrunner_event_on_event_loop)
    assert "self._clear_queue(fragment_ids_this_run)" in begins
    launch._clear_queue(
        SimpleNamespace(_fragment_storage=storage, _browser_queue=queue), ["search"]
    )
    assert [message.delta.fragment_id for message in queue.flush()] == ["", "job"]


def test_a_download_outlives_the_runs_of_others_until_it_is_fetched(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(launch, "monotonic", lambda: now[0])
    storage = MemoryMediaFileStorage("/media")
    files = MediaFileManager(storage)
    button = files.add_deferred(lambda: b"a,b", "text/csv", "0.1", "rows.csv")
    made = files.execute_deferred(button).rpartition("/")[2]
    for _ in range(5):
        files.remove_orphaned_files()
    assert storage.get_file(made).content == b"a,b"
    now[0] += 61
    files.remove_orphaned_files()
    with pytest.raises(MediaFileStorageError):
        storage.get_file(made)


def test_a_click_before_the_next_run_is_drawn_still_saves(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(launch, "monotonic", lambda: now[0])
    files = MediaFileManager(MemoryMediaFileStorage("/media"))

    def run(content):
        files.clear_session_refs()
        button = files.add_deferred(lambda: content, "text/csv", "0.1", "rows.csv", element_id="b")
        files.remove_orphaned_files()
        return button

    first, second = run(b"1"), run(b"2")
    assert files.execute_deferred(first).endswith(".csv")
    third = run(b"3")
    with pytest.raises(MediaFileStorageError):  # two runs ago: not kept, each holds its results
        files.execute_deferred(first)
    assert files.execute_deferred(second) and files.execute_deferred(third)
    now[0] += 61
    files.remove_orphaned_files()
    with pytest.raises(MediaFileStorageError):
        files.execute_deferred(second)
    assert files.execute_deferred(third)
