"""A stored session on screen: waves, labels, raters, alignment, reference."""
