"""The window as a whole, and what it does with recorder, edge and service."""
