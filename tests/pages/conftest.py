"""Files that a page offers are made in its tests too, once each."""

from concurrent.futures import ThreadPoolExecutor
from functools import wraps

import pytest
import streamlit as st

MADE = set()


@pytest.fixture(autouse=True)
def files_are_made_outside_the_page(monkeypatch):
    """As the server makes them at a click: in a thread without a session."""
    button, made, errors = st.download_button, {}, []

    @wraps(button)
    def download_button(label, data, file_name=None, *more, **settings):
        if callable(data) and (label, file_name) not in MADE:
            MADE.add((label, file_name))
            with ThreadPoolExecutor(1) as pool:
                making = pool.submit(data)
            # A page says what went wrong and goes on, so that it is no error of the test.
            errors.append(making.exception())
            made[label] = making.result() if errors[-1] is None else b""
        return button(label, data, file_name, *more, **settings)

    monkeypatch.setattr(st, "download_button", download_button)
    yield
    assert not any(errors), errors
    assert all(made.values()), made
