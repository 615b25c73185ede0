"""The first tables. Nothing has been released: until then this makes whatever ``tables.py`` says.

With the first release it is frozen (Alembic's autogenerate writes it out), and every change is a version of its own.
"""

from __future__ import annotations

from alembic import op

from hemoview.cloud.tables import metadata

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them."""
    metadata.create_all(op.get_bind())


def downgrade() -> None:
    """Drop them."""
    metadata.drop_all(op.get_bind())
