"""A small trained tokenizer, filled up to a model's number of tokens."""

import json
from pathlib import Path

#: Byte-level BPE of 1,028 tokens with DeepSeek-V3's pre-tokenizer.
FOLDER = Path(__file__).resolve().parents[2] / "Tests" / "Fixtures" / "16-trained-bpe"

# The kinds of `tokenizer.ggml.token_type`.
_NORMAL, _CONTROL, _USER_DEFINED = 1, 3, 4


class Vocabulary:
    def __init__(self, size):
        self._tokenizer = json.loads((FOLDER / "tokenizer.json").read_text(encoding="utf-8"))
        self._configuration = json.loads(
            (FOLDER / "tokenizer_config.json").read_text(encoding="utf-8")
        )
        tokens = dict(self._tokenizer["model"]["vocab"])
        kinds = {token: _NORMAL for token in tokens}
        for added in self._tokenizer["added_tokens"]:
            tokens[added["content"]] = added["id"]
            kinds[added["content"]] = _CONTROL if added["special"] else _USER_DEFINED
        # Text never leads to these; a model of random weights writes hardly anything else.
        for number in range(len(tokens), size):
            tokens[f"[{number}]"] = number
            kinds[f"[{number}]"] = _NORMAL
            self._tokenizer["model"]["vocab"][f"[{number}]"] = number
        self._tokens = sorted(tokens, key=tokens.get)
        self._kinds = [kinds[token] for token in self._tokens]

    def special_ids(self):
        """As `config.json` has them."""
        return {"bos_token_id": 0, "eos_token_id": 1}

    def files(self):
        """The files of a folder and what they hold."""
        return [
            ("tokenizer.json", self._tokenizer),
            ("tokenizer_config.json", self._configuration),
        ]

    def gguf_metadata(self):
        merges = [" ".join(pair) for pair in self._tokenizer["model"]["merges"]]
        return [
            ("tokenizer.ggml.model", "string", "gpt2"),
            ("tokenizer.ggml.pre", "string", "deepseek-v3"),
            ("tokenizer.ggml.tokens", "strings", self._tokens),
            ("tokenizer.ggml.token_type", "i32s", self._kinds),
            ("tokenizer.ggml.merges", "strings", merges),
            ("tokenizer.ggml.bos_token_id", "u32", 0),
            ("tokenizer.ggml.eos_token_id", "u32", 1),
            ("tokenizer.ggml.padding_token_id", "u32", 2),
            ("tokenizer.ggml.add_bos_token", "bool", True),
            ("tokenizer.ggml.add_eos_token", "bool", False),
        ]
