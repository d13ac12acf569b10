"""How everything stands, told: in conditions, and to whoever started the operator."""
