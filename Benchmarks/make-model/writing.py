"""Writes tensors as a GGUF file or as a folder in Hugging Face layout, in constant memory."""

import json
import os
import shutil
import struct
import sys

from formats import BF16, FP8, Q4_0, Q8_0

GGUF_ALIGNMENT = 32
#: Bytes of weights after which a folder gets another file.
SHARD_BYTES = 4 << 30

_TYPE_CODES = {"u32": (4, "<I"), "f32": (6, "<f"), "bool": (7, "<?"), "i32": (5, "<i")}
_STRING, _ARRAY = 8, 9
#: llama.cpp's `general.file_type`.
_FILE_TYPES = {Q4_0: 2, Q8_0: 7, BF16: 32}


class WritingError(Exception):
    """A model that cannot be written; the message says why."""


class Progress:
    """A line on the terminal that says how far the file is."""

    def __init__(self, total):
        self.total, self.done, self.shown = max(total, 1), 0, -1

    def add(self, count):
        self.done += count
        percent = 100 * self.done // self.total
        if sys.stderr.isatty() and percent != self.shown:
            self.shown = percent
            print(f"\r{percent} % of {self.total / 1e9:.2f} GB", end="", file=sys.stderr)

    def end(self):
        if sys.stderr.isatty():
            print(file=sys.stderr)


def require_space(path, count):
    free = shutil.disk_usage(path.parent).free
    if free < count:
        raise WritingError(
            f"{path.parent}: {free / 1e9:.1f} GB are free; the model needs {count / 1e9:.1f} GB"
        )


def _string(text):
    data = text.encode("utf-8")
    return struct.pack("<Q", len(data)) + data


def _value(kind, value):
    if kind == "string":
        return struct.pack("<I", _STRING) + _string(value)
    if kind == "strings":
        head = struct.pack("<IIQ", _ARRAY, _STRING, len(value))
        return head + b"".join(_string(text) for text in value)
    if kind == "i32s":
        head = struct.pack("<IIQ", _ARRAY, _TYPE_CODES["i32"][0], len(value))
        return head + struct.pack(f"<{len(value)}i", *value)
    code, form = _TYPE_CODES[kind]
    return struct.pack("<I", code) + struct.pack(form, value)


def gguf_metadata(name, configuration, quantization, vocabulary):
    """Keys as llama.cpp's converter writes them for the architecture `deepseek2`."""
    c = configuration
    rank, rotary = c["kv_lora_rank"], c["qk_rope_head_dim"]
    keys = [
        ("general.architecture", "string", "deepseek2"),
        ("general.type", "string", "model"),
        ("general.name", "string", name),
        ("general.file_type", "u32", _FILE_TYPES[quantization]),
        ("general.quantization_version", "u32", 2),
    ]
    scaling = c["rope_scaling"]
    own = [
        ("block_count", "u32", c["num_hidden_layers"]),
        ("context_length", "u32", c["max_position_embeddings"]),
        ("embedding_length", "u32", c["hidden_size"]),
        ("feed_forward_length", "u32", c["intermediate_size"]),
        ("attention.head_count", "u32", c["num_attention_heads"]),
        # Attention over latents is attention with one key and value for all heads.
        ("attention.head_count_kv", "u32", 1),
        ("attention.layer_norm_rms_epsilon", "f32", c["rms_norm_eps"]),
        ("attention.kv_lora_rank", "u32", rank),
        ("attention.key_length", "u32", rank + rotary),
        ("attention.value_length", "u32", rank),
        ("attention.key_length_mla", "u32", c["qk_nope_head_dim"] + rotary),
        ("attention.value_length_mla", "u32", c["v_head_dim"]),
        # llama.cpp expects the key except in models of 26 and 27 layers, which are V2-Lite's kin.
        ("attention.q_lora_rank", "u32", c["q_lora_rank"] or 0),
        ("vocab_size", "u32", c["vocab_size"]),
        ("leading_dense_block_count", "u32", c["first_k_dense_replace"]),
        ("expert_count", "u32", c["n_routed_experts"]),
        ("expert_used_count", "u32", c["num_experts_per_tok"]),
        ("expert_shared_count", "u32", c["n_shared_experts"]),
        ("expert_feed_forward_length", "u32", c["moe_intermediate_size"]),
        ("expert_group_count", "u32", c["n_group"]),
        ("expert_group_used_count", "u32", c["topk_group"]),
        ("expert_gating_func", "u32", 2 if c["scoring_func"] == "sigmoid" else 1),
        ("expert_weights_norm", "bool", c["norm_topk_prob"]),
        ("expert_weights_scale", "f32", c["routed_scaling_factor"]),
        ("rope.dimension_count", "u32", rotary),
        ("rope.freq_base", "f32", c["rope_theta"]),
        ("rope.scaling.type", "string", scaling["type"]),
        ("rope.scaling.factor", "f32", scaling["factor"]),
        (
            "rope.scaling.original_context_length", "u32",
            scaling["original_max_position_embeddings"],
        ),
        ("rope.scaling.yarn_beta_fast", "f32", scaling["beta_fast"]),
        ("rope.scaling.yarn_beta_slow", "f32", scaling["beta_slow"]),
        ("rope.scaling.yarn_log_multiplier", "f32", 0.1 * scaling["mscale_all_dim"]),
    ]  # fmt: skip
    keys += [(f"deepseek2.{key}", kind, value) for key, kind, value in own]
    return keys + vocabulary.gguf_metadata()


def write_gguf(path, metadata, tensors, seed):
    """Writes a GGUF file of version 3; it appears under its name when it is whole."""
    tensors = list(tensors)
    header = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    header += b"".join(_string(key) + _value(kind, value) for key, kind, value in metadata)
    end = 0
    entries = []
    for tensor in tensors:
        # The format names the innermost dimension first.
        shape = tensor.shape[::-1]
        entry = _string(tensor.name) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
        entries.append(entry + struct.pack("<IQ", tensor.format.gguf_type, end))
        end += -(-tensor.byte_count // GGUF_ALIGNMENT) * GGUF_ALIGNMENT
    header += b"".join(entries)
    header += bytes(-len(header) % GGUF_ALIGNMENT)
    require_space(path, len(header) + end)
    progress = Progress(end)
    partial = path.with_name(path.name + ".partial")
    try:
        with open(partial, "wb") as file:
            file.write(header)
            for tensor in tensors:
                _write_pieces(file, tensor, seed, progress)
                file.write(bytes(-tensor.byte_count % GGUF_ALIGNMENT))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    progress.end()


def write_folder(path, configuration, quantization, vocabulary, tensors, seed):
    """Writes a folder of safetensors files; it appears under its name when it is whole."""
    tensors = list(tensors)
    total = sum(tensor.byte_count for tensor in tensors)
    require_space(path, total)
    shards, filled = [[]], 0
    for tensor in tensors:
        if filled and filled + tensor.byte_count > SHARD_BYTES:
            shards.append([])
            filled = 0
        shards[-1].append(tensor)
        filled += tensor.byte_count
    partial = path.with_name(path.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    progress = Progress(total)
    try:
        weight_map = {}
        for number, shard in enumerate(shards):
            name = "model.safetensors"
            if len(shards) > 1:
                name = f"model-{number + 1:05d}-of-{len(shards):05d}.safetensors"
            _write_safetensors(partial / name, shard, seed, progress)
            weight_map.update((tensor.name, name) for tensor in shard)
        if len(shards) > 1:
            index = {"metadata": {"total_size": total}, "weight_map": weight_map}
            _write_json(partial / "model.safetensors.index.json", index)
        configuration = {**configuration, "torch_dtype": "bfloat16", **vocabulary.special_ids()}
        if quantization is FP8:
            configuration["quantization_config"] = {
                "quant_method": "fp8",
                "fmt": "e4m3",
                "activation_scheme": "dynamic",
                "weight_block_size": [128, 128],
            }
        _write_json(partial / "config.json", configuration)
        for name, content in vocabulary.files():
            _write_json(partial / name, content)
        os.rename(partial, path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    progress.end()


def _write_json(path, value):
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_safetensors(path, tensors, seed, progress):
    header, end = {}, 0
    for tensor in tensors:
        header[tensor.name] = {
            "dtype": tensor.format.safetensors_type,
            "shape": list(tensor.shape),
            "data_offsets": [end, end + tensor.byte_count],
        }
        end += tensor.byte_count
    text = json.dumps(header, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors:
            _write_pieces(file, tensor, seed, progress)


def _write_pieces(file, tensor, seed, progress):
    for piece in tensor.pieces(seed):
        file.write(piece)
        progress.add(len(piece))
