"""What the pages are made of: state, widgets, charts and grids; a folder for each page's own."""
