"""Filter, then score, then pick: who may serve a request, and who does."""
