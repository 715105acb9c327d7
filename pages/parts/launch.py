"""Streamlit's command line, as `sextant serve` runs it.

Until `st.navigation` has run once in a process, Streamlit lists the folder `pages` as pages, and a
first visit by a deep link gets "Page not found". This turns that listing off at once.
"""

from streamlit.runtime.pages_manager import PagesManager
from streamlit.web.cli import main

PagesManager.uses_pages_directory = False

if __name__ == "__main__":
    main()
