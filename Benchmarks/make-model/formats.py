"""Random weights as bytes of a number format, a piece at a time.

Codes are drawn and scales set so that weights have a mean of zero and a standard deviation of
about `STANDARD_DEVIATION`, at which the activations of these models stay small.
"""

import random
from statistics import NormalDist

STANDARD_DEVIATION = 0.01

#: Bytes made at once, about: memory stays constant whatever the size of a tensor.
PIECE_BYTES = 8 << 20


class Format:
    """A number format: its names and sizes, and how its random weights are made."""

    def __init__(self, name, gguf_type, safetensors_type, elements, block_bytes, finish):
        self.name = name
        #: The number in `ggml_type`; None where GGUF does not have it.
        self.gguf_type = gguf_type
        #: The name in a safetensors header; None where that format does not have it.
        self.safetensors_type = safetensors_type
        #: Elements and bytes of a block; rows are whole blocks.
        self.elements = elements
        self.block_bytes = block_bytes
        self._finish = finish

    def byte_count(self, element_count):
        return element_count // self.elements * self.block_bytes

    def pieces(self, element_count, generator):
        """Yields the bytes of that many weights."""
        blocks = element_count // self.elements
        step = PIECE_BYTES // self.block_bytes
        for start in range(0, blocks, step):
            count = min(step, blocks - start)
            yield self._finish(generator.randbytes(count * self.block_bytes), count)


def _exponents():
    """A table for the byte with the sign and the upper seven bits of an F32 exponent.

    The lowest exponent bit stays random, so a byte stands for two binary orders: 0x3C for
    [2**-7, 2**-5), 0x3B for [2**-9, 2**-7), 0x3A for [2**-11, 2**-9). The shares give a standard
    deviation of 0.0108.
    """
    magnitudes = [0x3C] * 38 + [0x3B] * 64 + [0x3A] * 26
    return bytes(byte | sign for sign in (0, 0x80) for byte in magnitudes)


EXPONENTS = _exponents()


def _finish_f32(data, _):
    piece = bytearray(data)
    piece[3::4] = piece[3::4].translate(EXPONENTS)
    return piece


def _finish_bf16(data, _):
    piece = bytearray(data)
    piece[1::2] = piece[1::2].translate(EXPONENTS)
    return piece


def _finish_q4_0(data, count):
    # Codes are 0 to 15 and stand for -8 to 7: without the lowest they have a mean of zero.
    def nibble(code):
        return code or 8

    codes = bytes(nibble(byte >> 4) << 4 | nibble(byte & 15) for byte in range(256))
    piece = bytearray(data.translate(codes))
    # The upper byte of an F16 scale of 2**-9 to 1.25 * 2**-9; the lower stays random.
    piece[1::18] = b"\x18" * count
    return piece


def _finish_q8_0(data, count):
    # No quantiser gives -128.
    piece = bytearray(data.replace(b"\x80", b"\x00"))
    # The upper byte of an F16 scale of 2**-13 to 1.25 * 2**-13.
    piece[1::34] = b"\x08" * count
    return piece


#: F8 weights are drawn this much larger than they are; their block scales divide by it.
FP8_GAIN = 1600


def _fp8_codes():
    """256 codes of E4M3 in the proportions of a normal distribution of deviation 16."""
    values = {}
    for code in range(0x7F):
        exponent, mantissa = code >> 3, code & 7
        value = ((exponent > 0) + mantissa / 8) * 2.0 ** (max(exponent, 1) - 7)
        values[code], values[code | 0x80] = value, -value
    normal = NormalDist(0, STANDARD_DEVIATION * FP8_GAIN)
    wanted = [normal.inv_cdf((index + 0.5) / 256) for index in range(256)]
    return bytes(min(values, key=lambda code: abs(values[code] - one)) for one in wanted)


FP8_CODES = _fp8_codes()

F32 = Format("f32", 0, "F32", 1, 4, _finish_f32)
BF16 = Format("bf16", 30, "BF16", 1, 2, _finish_bf16)
Q4_0 = Format("q4_0", 2, None, 32, 18, _finish_q4_0)
Q8_0 = Format("q8_0", 8, None, 32, 34, _finish_q8_0)
FP8 = Format("fp8", None, "F8_E4M3", 1, 1, lambda data, _: data.translate(FP8_CODES))
I64 = Format("i64", 27, "I64", 1, 8, None)

QUANTIZATIONS = {one.name: one for one in (Q4_0, Q8_0, BF16, FP8)}


def generator(seed, name):
    """Random numbers of a tensor: the same whatever else is in the file."""
    return random.Random(f"{seed} {name}")
