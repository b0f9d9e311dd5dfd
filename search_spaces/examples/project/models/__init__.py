"""Your own nets."""
