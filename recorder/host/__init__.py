"""Starts, restarts and stops the processes; platform differences; connection file."""
