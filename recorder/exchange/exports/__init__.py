"""A session in the formats other programs read, and what must not leave with it."""
