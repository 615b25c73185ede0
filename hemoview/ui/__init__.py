"""Qt only: sets and emits, decides nothing."""
