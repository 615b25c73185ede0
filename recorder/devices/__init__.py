"""Devices: a product = protocol + transport + stream description + start/stop. ``sim/`` is the virtual bedside."""
