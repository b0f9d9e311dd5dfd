"""A scheduler at work: on a ledger, told it again, and played ahead for a plan."""
