"""State of a stored session on screen: what is read, where one is, what is labelled and aligned."""
