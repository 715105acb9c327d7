"""The forms of an export: each is written and read in its file.

A form has `SUFFIX`, the ending of its file or folder; `ABOUT`, a line on what it is for;
`write(contents, place)`; `manifest(place)`, None where the place is no such export; and
`read(place, manifest)`, which yields batches of rows.
"""
