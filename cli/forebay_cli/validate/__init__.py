"""`forebay validate`: what the operator would say of these manifests, without a cluster."""
