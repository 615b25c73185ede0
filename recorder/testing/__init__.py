"""Fake clock, fault transport, capture player, kill-and-recover harness; barred from run time."""
