"""Alembic's scripts; run by :meth:`hemoview.cloud.database.Database.upgrade`, or by Alembic itself."""
