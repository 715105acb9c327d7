"""Training and evaluation of the bundled encoder: two commands, `train` and `measure`."""
