"""Real servers on this machine, one a file: a context manager starts it in a folder, gives its address, ends it."""
