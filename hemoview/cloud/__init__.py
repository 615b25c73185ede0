"""The service: many bedsides, one place that keeps their sessions, shows the ward and makes reports.

The only room with fastapi. One process by default (SQLite, a local folder, everything in memory); larger sites change
settings, not code. Two paths that never mix: the *record path* (segments and signed manifests, verified, durable before
the reply, the only source of reports) and the *live path* (lossy, to look at).
"""
