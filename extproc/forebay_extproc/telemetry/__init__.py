"""What the data plane says of itself: metrics, the port they are read on, log lines. Never text of a request."""
