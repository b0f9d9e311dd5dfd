"""The built-in nets and the user's own, by their sections."""
