"""State of the forms before and after a recording."""
