"""What the pages share. One file, one job; signatures are kept stable.

    state      what outlives a page or a run: the workbench, the collection, the link, the caches
    problems   a user's mistake becomes a sentence, a bug keeps its traceback; empty screens
    words      numbers and user text made fit for a sentence
    controls   widgets: kinds, k, filters, a part's own settings, downloads
    draw       findings, scores and curves as figures, each with a reading aid and its numbers
    gallery    pictures and texts as a grid that opens the viewer
    viewer     one item in full: picture, captions, attributes, neighbours
    frame      the bar on top: collection, encoder, running job

A page reads (state, controls), calls (state.workbench() inside problems.shown()), draws (draw,
gallery). Nothing but state touches st.session_state.
"""
