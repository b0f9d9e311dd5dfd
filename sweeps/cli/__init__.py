"""What a person types: one function a command."""
