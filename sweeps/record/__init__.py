"""What is kept of a sweep on disk, and what it says."""
