"""How the clocks of two devices of a session lie to each other."""
