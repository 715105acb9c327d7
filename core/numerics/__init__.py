"""Plain numpy and scipy on rows and Spaces; its files are its API."""
