"""Reports: pages of their own, with nothing to load from anywhere."""
