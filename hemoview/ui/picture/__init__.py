"""How a stored session is painted: axis, strips, minimap, and moves over it. Review and Trends share it."""
