"""The contract: every shape that a person writes or a plane exchanges, defined once, as msgspec structs."""
