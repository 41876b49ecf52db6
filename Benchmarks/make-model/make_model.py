#!/usr/bin/env python3
"""Writes a model of random weights in the shape of a published one. See README.md."""

import argparse
import sys
import time
from pathlib import Path

import formats
import shapes
import tensors
import writing
from vocabulary import Vocabulary
from writing import WritingError


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path, help="a file NAME.gguf, or a folder to be made")
    parser.add_argument("--shape", required=True, choices=shapes.SHAPES)
    parser.add_argument(
        "--quantization", default="q4_0", choices=formats.QUANTIZATIONS,
        help="number format of the matrices (default: q4_0); .gguf files have q4_0, q8_0 and "
        "bf16, folders bf16 and fp8",
    )  # fmt: skip
    parser.add_argument(
        "--layers", type=int, metavar="N", help="stop after N layers (default: all of the shape)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the weights (default: 1)")
    arguments = parser.parse_args()
    most = shapes.SHAPES[arguments.shape]["num_hidden_layers"]
    if arguments.layers is not None and not 1 <= arguments.layers <= most:
        parser.error(f"--layers is {arguments.layers}; '{arguments.shape}' has 1 to {most}")
    quantization = formats.QUANTIZATIONS[arguments.quantization]
    if arguments.output.suffix == ".gguf":
        if quantization.gguf_type is None:
            parser.error(f".gguf files have no {quantization.name}; name a folder")
        if arguments.shape in ("v3.2", "engram"):
            parser.error(f".gguf files cannot hold '{arguments.shape}'; name a folder")
    elif quantization.safetensors_type is None:
        parser.error(f"folders have no {quantization.name}; use bf16, fp8 or a .gguf file")
    return arguments


def main():
    arguments = parse_arguments()
    path = arguments.output
    if path.exists():
        raise WritingError(f"{path}: exists already; remove it or choose another name")
    if not path.parent.is_dir():
        raise WritingError(f"{path.parent}: no such folder")
    start = time.monotonic()
    quantization = formats.QUANTIZATIONS[arguments.quantization]
    configuration = shapes.shaped(arguments.shape, arguments.layers)
    vocabulary = Vocabulary(configuration["vocab_size"])
    if path.suffix == ".gguf":
        contents = list(tensors.in_gguf(configuration, quantization))
        name = f"random {arguments.shape} {configuration['num_hidden_layers']} layers"
        metadata = writing.gguf_metadata(name, configuration, quantization, vocabulary)
        writing.write_gguf(path, metadata, contents, arguments.seed)
    else:
        contents = list(tensors.in_folder(configuration, quantization, arguments.seed))
        writing.write_folder(
            path, configuration, quantization, vocabulary, contents, arguments.seed
        )
    parameters = sum(one.element_count for one in contents if one.format is not formats.I64)
    weight_bytes = sum(one.byte_count for one in contents)
    print(
        f"{path}: {parameters / 1e9:.2f} B parameters, {weight_bytes / 1e9:.2f} GB, "
        f"{time.monotonic() - start:.0f} s"
    )


if __name__ == "__main__":
    try:
        main()
    except WritingError as error:
        print(f"make_model.py: {error}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        print(f"make_model.py: {error.filename}: {error.strerror}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
