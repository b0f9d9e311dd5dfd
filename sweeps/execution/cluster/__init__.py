"""What only a Ray cluster of several nodes needs."""
