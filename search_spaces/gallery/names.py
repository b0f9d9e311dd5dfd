"""Surnames of six made-up languages as rows of letters, and a recurrent net that reads them."""

import numpy as np
import torch
from torch import Tensor, nn

LETTERS, LONGEST, LANGUAGES = 26, 12, 6


def load(names: int = 600) -> tuple[np.ndarray, np.ndarray]:
    """Return (names, 12) numbers of letters, 0 where a name is over, and their languages.

    Each language has its own habits of which letter follows which.
    """
    random = np.random.default_rng(0)
    follows = random.dirichlet(np.full(LETTERS, 0.15), size=(LANGUAGES, LETTERS))
    languages = random.integers(LANGUAGES, size=names)
    letters = np.zeros((names, LONGEST), np.float32)
    for row, language in enumerate(languages):
        letter = random.integers(LETTERS)
        for place in range(random.integers(4, LONGEST + 1)):
            letters[row, place] = 1 + letter
            letter = random.choice(LETTERS, p=follows[language, letter])
    return letters, languages


class Reader(nn.Module):
    """Reads a name letter by letter; what it knows after the last decides."""

    def __init__(self, outputs: int, hidden: int) -> None:
        super().__init__()
        self.letters = nn.Embedding(LETTERS + 1, hidden)
        self.reads = nn.GRU(hidden, hidden, batch_first=True)
        self.decides = nn.Linear(hidden, outputs)

    def forward(self, names: Tensor) -> Tensor:
        """Return (names, outputs) logits of (names, 12) letters."""
        ids = names.long()
        known, _ = self.reads(self.letters(ids))
        last = (ids > 0).sum(1).clamp(min=1) - 1
        return self.decides(known[torch.arange(len(ids)), last])


def build(input_shape: tuple[int, ...], outputs: int, hidden: int) -> nn.Module:
    """Return the net."""
    return Reader(outputs, hidden)
