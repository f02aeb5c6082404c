"""What each tool's export of requests looks like: one file a family, each a :class:`Source`."""
