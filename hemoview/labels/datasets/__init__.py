"""Labelled windows: built out of sessions, split by subject, written as versions, compared."""
