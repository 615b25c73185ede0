"""The texts, one module a page of the screen: ``ENGLISH`` and ``CHINESE`` by id. ``catalogue`` merges them."""
