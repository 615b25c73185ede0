"""The hemodynamic report of one session: facts, and what is made of them."""
