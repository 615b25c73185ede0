"""Devices: their cards, how they are set up, paired and calibrated."""
