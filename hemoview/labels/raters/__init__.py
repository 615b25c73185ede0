"""What raters say: label sets, proposals beside them, agreement, a third look."""
