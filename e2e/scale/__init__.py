"""The operator at scale, on a real API server: `make bench-scale` writes build/bench/scale.json and prints a table."""
