"""What a sweep found, from its record: the best, the front, a final's ranking, and its words."""
