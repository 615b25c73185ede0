"""State of the page at the bed, from the facts the live bus brings."""
