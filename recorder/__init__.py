"""Headless core of HemoView: acquires, stores, exchanges and syncs. Never imports ``hemoview`` or Qt."""

__version__ = "0.1.0"
