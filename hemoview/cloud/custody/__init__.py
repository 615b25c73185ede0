"""Custody: what bedsides hand over is kept, proved and given back, or erased so that nobody can read it again.

A blob is a file encrypted at the bedside, named by the SHA-256 of its ciphertext. A manifest, signed by the device,
says which blobs are a session; the receipt, signed by the service, says that it holds them all.
"""
