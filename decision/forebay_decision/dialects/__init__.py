"""Wire formats: what a body says, in the terms that policies ask in, and back into bytes."""
