"""Hours and days of one person, and whose they are."""
