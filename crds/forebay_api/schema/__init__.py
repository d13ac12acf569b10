"""From the contract's structs to what the API server and people read: shapes, CRDs and the reference."""
