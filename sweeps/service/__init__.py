"""What a person can do with a sweep: run it, change it, ask about it, send it to a cluster."""
