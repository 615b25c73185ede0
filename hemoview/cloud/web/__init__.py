"""The pages for browsers: routes that serve ``resources/web``."""
