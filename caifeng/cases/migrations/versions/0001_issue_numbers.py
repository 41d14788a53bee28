"""Issue numbers."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "issue_numbers",
        sa.Column("issue_no", sa.String(20), primary_key=True),
        sa.Column("year", sa.Integer, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("issue_key", sa.String(64), nullable=False, unique=True),
        sa.Column("allotted_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("year", "sequence"),
    )


def downgrade() -> None:
    op.drop_table("issue_numbers")
