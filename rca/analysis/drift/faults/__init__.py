"""What kind of fault a column's drift looks like, with the transformation estimated."""
