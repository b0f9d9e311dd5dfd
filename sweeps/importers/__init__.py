"""Files of other tools, read as sweep files."""
