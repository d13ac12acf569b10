"""Which replica leads, and what it may still write when it does not."""
