"""Reads the header of a GGUF file: what a forward pass has to read and to multiply."""

import os
import struct
from collections import Counter
from dataclasses import dataclass

from measure import ComparisonError

TYPE_NAMES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1",
    10: "Q2_K", 11: "Q3_K", 12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS",
    17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S",
    23: "IQ4_XS", 29: "IQ1_M", 30: "BF16", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
}  # fmt: skip
FLOAT_TYPES = {"F32", "F16", "BF16"}

SCALAR_FORMATS = {
    0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d",
}  # fmt: skip
STRING, ARRAY = 8, 9


@dataclass(frozen=True)
class Tensor:
    name: str
    type_name: str
    shape: tuple
    byte_count: int

    @property
    def element_count(self):
        count = 1
        for size in self.shape:
            count *= size
        return count


@dataclass(frozen=True)
class Header:
    path: str
    file_bytes: int
    metadata: dict
    tensors: tuple

    @property
    def parameter_count(self):
        return sum(tensor.element_count for tensor in self.tensors)

    def types(self):
        """Bytes of weights a type, most first, vectors left out."""
        counts = Counter()
        for tensor in self.tensors:
            if len(tensor.shape) > 1:
                counts[tensor.type_name] += tensor.byte_count
        return counts.most_common()

    def is_quantised(self):
        kinds = self.types()
        return bool(kinds) and kinds[0][0] not in FLOAT_TYPES

    def _number(self, key):
        value = self.metadata.get(f"{self.metadata.get('general.architecture')}.{key}")
        if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
            raise ComparisonError(
                f"{self.path}: '{key}' is {value!r}; a positive number is needed to count work"
            )
        return value

    def _active_share(self, tensor):
        """Of an expert tensor a token uses only the chosen experts; of others everything."""
        if "_exps." not in tensor.name:
            return 1.0
        return self._number("expert_used_count") / self._number("expert_count")

    def _is_table(self, tensor):
        """A token table beside an output matrix: one row is looked up, nothing is multiplied."""
        has_output = any(other.name == "output.weight" for other in self.tensors)
        return tensor.name == "token_embd.weight" and has_output

    def decode_bytes(self):
        """Bytes of weights that one decoded token has to read."""
        return sum(
            tensor.byte_count * self._active_share(tensor)
            for tensor in self.tensors
            if not self._is_table(tensor)
        )

    def prefill_operations(self, token_count):
        """Operations (two a multiply-add) of a prompt: matrix products and causal attention.

        The output matrix counts for the last token only, as both engines compute it.
        """
        total = 0.0
        for tensor in self.tensors:
            if len(tensor.shape) < 2 or self._is_table(tensor):
                continue
            is_output = tensor.name in ("output.weight", "token_embd.weight")
            tokens = 1 if is_output else token_count
            total += 2.0 * tensor.element_count * self._active_share(tensor) * tokens
        heads = self._number("attention.head_count")
        architecture = self.metadata.get("general.architecture")
        if f"{architecture}.attention.key_length" in self.metadata:
            key = self._number("attention.key_length")
            value = self._number("attention.value_length")
        else:
            key = value = self._number("embedding_length") // heads
        pairs = token_count * (token_count + 1) / 2
        return total + 2.0 * (key + value) * heads * pairs * self._number("block_count")


class _Reader:
    def __init__(self, file, path):
        self.file = file
        self.path = path

    def take(self, count):
        # The headers compared here hold a few megabytes; a longer string is a damaged file.
        if count > 1 << 24:
            raise ComparisonError(f"{self.path}: a string of {count} bytes; the file is damaged")
        data = self.file.read(count)
        if len(data) != count:
            raise ComparisonError(
                f"{self.path}: the header ends early; the file is damaged, remove it and run again"
            )
        return data

    def scalar(self, code):
        form = "<" + code
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def string(self):
        return self.take(self.scalar("Q")).decode("utf-8", "replace")

    def value(self, kind):
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            element, count = self.scalar("I"), self.scalar("Q")
            if element == ARRAY:
                raise ComparisonError(f"{self.path}: an array of arrays, which GGUF does not have")
            for _ in range(count):
                self.value(element)
            return f"array of {count}"
        if kind not in SCALAR_FORMATS:
            raise ComparisonError(f"{self.path}: metadata of type {kind}, which GGUF does not have")
        return self.scalar(SCALAR_FORMATS[kind])


def read_header(path):
    """Reads metadata (arrays by their length only) and the list of tensors."""
    path = str(path)
    try:
        file_bytes = os.path.getsize(path)
        file = open(path, "rb")
    except OSError as error:
        raise ComparisonError(f"{path}: cannot be read: {error.strerror}") from error
    with file:
        reader = _Reader(file, path)
        magic = reader.take(4)
        version = reader.scalar("I")
        if magic != b"GGUF" or version not in (2, 3):
            raise ComparisonError(f"{path}: no GGUF file of version 2 or 3")
        tensor_count, metadata_count = reader.scalar("Q"), reader.scalar("Q")
        metadata = {}
        for _ in range(metadata_count):
            key = reader.string()
            metadata[key] = reader.value(reader.scalar("I"))
        entries = []
        for _ in range(tensor_count):
            name = reader.string()
            shape = tuple(reader.scalar("Q") for _ in range(reader.scalar("I")))
            kind, offset = reader.scalar("I"), reader.scalar("Q")
            entries.append((offset, name, TYPE_NAMES.get(kind, f"type {kind}"), shape))
        alignment = metadata.get("general.alignment", 32)
        data_start = -(-file.tell() // alignment) * alignment
    # A tensor reaches to the next one: that needs no table of block sizes.
    entries.sort()
    ends = [entry[0] for entry in entries[1:]] + [file_bytes - data_start]
    tensors = tuple(
        Tensor(name, kind, shape, end - offset)
        for (offset, name, kind, shape), end in zip(entries, ends)
    )
    return Header(path, file_bytes, metadata, tensors)
