"""The page at the bed: numbers, waves, banners, the strip that guides, and the questions asked beside them."""
