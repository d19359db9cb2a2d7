"""all-MiniLM-L6-v2 for a sentence or two, without the seconds that importing sentence-transformers takes.

The same weights by `transformers` alone: a person who asks something waits for this import. Texts in
numbers go through sentence-transformers (`agent.data.embedders`); a test holds both to the same vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

# As the model's own `sentence_bert_config.json` says.
_MAX_TOKENS = 256


class LightEncoder:
    """Means of the last hidden states of a BERT encoder in a folder.

    Args:
        folder: with `model.safetensors`, `config.json` and `tokenizer.json`.

    Raises:
        OSError: the folder holds no such model.
    """

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer
        from transformers.models.bert.modeling_bert import BertModel

        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(_MAX_TOKENS)
        # In evaluation mode, as `from_pretrained` leaves it.
        self._model = BertModel.from_pretrained(str(folder), local_files_only=True)

    def weights(self) -> Mapping[str, torch.Tensor]:
        """Every tensor, by the name that it has in sentence-transformers."""
        return {f"0.model.{name}": tensor for name, tensor in self._model.state_dict().items()}

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """`(len(texts), dim)` means, not normalised, one forward pass per text."""
        import torch

        rows = []
        with torch.inference_mode():
            for text in texts:
                ids = torch.tensor([self._tokenizer.encode(text).ids])
                hidden = self._model(input_ids=ids).last_hidden_state
                rows.append(hidden[0].mean(dim=0).float().numpy())
        return np.stack(rows).astype(np.float32)
