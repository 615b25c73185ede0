"""Numbers of a span of a session as one CSV file, written and read back."""
