"""What is trained: configurations, data and splits, nets, and the training loop."""
