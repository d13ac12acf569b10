"""`forebay train` and `forebay calibrate`: models of one's own on the shared encoder."""
