"""Where manifests come from: a directory, watched."""
