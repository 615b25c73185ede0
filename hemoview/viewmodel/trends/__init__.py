"""State of the Trends workspace."""
