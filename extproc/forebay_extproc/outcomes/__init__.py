"""What became of the requests: access-log entries -> outcomes -> counts under way and metrics."""
