"""The process that trains: its random numbers, and the state each trial finds."""
