"""What callbacks read, without a browser."""

import streamlit as st

from pages.parts import session


def test_what_a_component_sent_is_none_where_its_page_is_gone(monkeypatch):
    """Another run may have drawn a page without the component before its click arrives."""
    monkeypatch.setattr(st, "session_state", {"_grid": {"open": "a"}})
    assert session.sent("_grid", "open") == "a"
    assert session.sent("_grid", "like") is None
    assert session.sent("_gone", "open") is None
