"""From a sweep file to its plan: reading, checking, and which trials there are."""
