"""What the pages share. One file, one job; signatures are kept stable.

    state      what is on screen: workbench, collection, vectors, and results cached by `space.key`
    memory     what a tab remembers and what its address says (used through `state`)
    problems   a user's mistake becomes a sentence, a bug keeps its traceback; empty screens
    words      numbers and user text made fit for a sentence
    controls   widgets: kinds, k, pages, a part's own settings, downloads
    filters    a popover of typed filters
    ask        the query bar: text, picture, item, filters
    results    the answers; explain: this query's null and the vital signs beside them
    signs      findings at a glance; draw: figures, each with a reading aid and its numbers
    gallery    pictures and texts as a grid; viewer: a grid that opens one item in full, and why
    welcome    before there is anything to show
    frame      the bar on top: collection, encoder, running job

A page reads (state, controls), calls (state.workbench() inside problems.shown()), draws (draw,
viewer.browse). Nothing but memory touches st.session_state.
"""
