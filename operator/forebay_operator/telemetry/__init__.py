"""The operator's metrics port: what it counts, and the few lines of HTTP that show it."""
