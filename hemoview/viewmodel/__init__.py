"""State of every screen, free of Qt."""
