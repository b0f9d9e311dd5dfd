"""What a sweep says: about its trials, its space, and what to do next; nothing is drawn here."""
