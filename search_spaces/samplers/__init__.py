"""Search methods that learn: what they are told of trials, and what they propose next."""
