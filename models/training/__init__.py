"""One trial's training: epochs, batches, regularizers, weights on disk."""
