"""What Envoy Gateway's API has no place for: changes to the configuration that it makes for a Gateway's Envoy."""
