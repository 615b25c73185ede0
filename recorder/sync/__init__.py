"""Sync: what a bedside and the service say to each other, and the bedside's half of saying it.

Pure, and shared with the service: ``wire`` (every body of the record path), ``custody`` (a file encrypted once, its
key wrapped for the service), ``signing`` (Ed25519, device tokens). No clock is read in these and nothing sent.
"""
