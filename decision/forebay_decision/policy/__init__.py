"""Rules: CEL compiled against declared variables, decided in three-valued logic."""
