"""What is tried before a sweep starts, and what that tells of it."""
