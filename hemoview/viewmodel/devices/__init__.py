"""State of the devices page and its wizards."""
