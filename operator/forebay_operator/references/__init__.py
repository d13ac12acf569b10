"""What policies and pools refer to by name: lists and models in ConfigMaps, credentials."""
