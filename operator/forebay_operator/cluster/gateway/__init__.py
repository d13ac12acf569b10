"""A gateway's objects at the API server: followed, written, repaired and swept."""
