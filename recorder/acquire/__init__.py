"""Acquisition: supervisor (connect, retry, gaps), hub, health watchdog, disk guard, live bus."""
