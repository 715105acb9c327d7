"""Streamlit's own command, as `sextant serve` runs it.

Until `st.navigation` has run once in a process, Streamlit takes the folder `pages` for its older
way of listing pages, and a first visit by a deep link then meets "Page not found". This says at
once that the folder is not meant that way.
"""

from streamlit.runtime.pages_manager import PagesManager
from streamlit.web.cli import main

PagesManager.uses_pages_directory = False

if __name__ == "__main__":
    main()
