"""The tensors of a configuration, under the names of GGUF and of Hugging Face."""

import random
import struct
from dataclasses import dataclass

import formats
from formats import BF16, F32, FP8, I64, Q8_0

#: Rows and columns of a block of F8 weights that shares a scale (DeepSeek-V3, section 3.3).
SCALE_BLOCK = 128


@dataclass(frozen=True)
class Tensor:
    """A tensor to be written: random weights, or bytes that are given."""

    name: str
    #: Outermost dimension first.
    shape: tuple
    format: formats.Format
    content: bytes = None

    @property
    def element_count(self):
        count = 1
        for size in self.shape:
            count *= size
        return count

    @property
    def byte_count(self):
        return self.format.byte_count(self.element_count)

    def pieces(self, seed):
        if self.content is not None:
            return [self.content]
        return self.format.pieces(self.element_count, formats.generator(seed, self.name))


def constant(name, value, *shape):
    """An F32 tensor of one value."""
    tensor = Tensor(name, shape, F32)
    return Tensor(name, shape, F32, struct.pack("<f", value) * tensor.element_count)


def integers(name, values, *shape):
    return Tensor(name, shape, I64, struct.pack(f"<{len(values)}q", *values))


def has_experts(configuration, layer):
    first, every = configuration["first_k_dense_replace"], configuration["moe_layer_freq"]
    return layer >= first and layer % every == 0


def in_gguf(configuration, quantization):
    """The tensors as llama.cpp's converter lays them out: experts stacked, keys and values split.

    The prediction layer and the indexer are left out: the architecture `deepseek2` knows neither.
    """
    c = configuration
    hidden, heads, rank = c["hidden_size"], c["num_attention_heads"], c["kv_lora_rank"]
    plain, rotary, value = c["qk_nope_head_dim"], c["qk_rope_head_dim"], c["v_head_dim"]
    width, count = c["moe_intermediate_size"], c["n_routed_experts"]
    # llama.cpp refuses its 4-bit format for these two, whose rows are a head's width.
    split = BF16 if quantization is BF16 else Q8_0

    yield Tensor("token_embd.weight", (c["vocab_size"], hidden), quantization)
    for layer in range(c["num_hidden_layers"]):

        def matrix(name, *shape, format=quantization):
            return Tensor(f"blk.{layer}.{name}.weight", shape, format)

        def norm(name, size):
            return constant(f"blk.{layer}.{name}.weight", 1, size)

        yield norm("attn_norm", hidden)
        if c["q_lora_rank"]:
            yield matrix("attn_q_a", c["q_lora_rank"], hidden)
            yield norm("attn_q_a_norm", c["q_lora_rank"])
            yield matrix("attn_q_b", heads * (plain + rotary), c["q_lora_rank"])
        else:
            yield matrix("attn_q", heads * (plain + rotary), hidden)
        yield matrix("attn_kv_a_mqa", rank + rotary, hidden)
        yield norm("attn_kv_a_norm", rank)
        yield matrix("attn_k_b", heads, rank, plain, format=split)
        yield matrix("attn_v_b", heads, value, rank, format=split)
        yield matrix("attn_output", hidden, heads * value)
        yield norm("ffn_norm", hidden)
        if not has_experts(c, layer):
            yield matrix("ffn_gate", c["intermediate_size"], hidden)
            yield matrix("ffn_up", c["intermediate_size"], hidden)
            yield matrix("ffn_down", hidden, c["intermediate_size"])
            continue
        yield matrix("ffn_gate_inp", count, hidden, format=F32)
        if c["topk_method"] == "noaux_tc":
            yield constant(f"blk.{layer}.exp_probs_b.bias", 0, count)
        yield matrix("ffn_gate_exps", count, width, hidden)
        yield matrix("ffn_up_exps", count, width, hidden)
        yield matrix("ffn_down_exps", count, hidden, width)
        shared = width * c["n_shared_experts"]
        yield matrix("ffn_gate_shexp", shared, hidden)
        yield matrix("ffn_up_shexp", shared, hidden)
        yield matrix("ffn_down_shexp", hidden, shared)
    yield constant("output_norm.weight", 1, hidden)
    yield Tensor("output.weight", (c["vocab_size"], hidden), quantization)


def in_folder(configuration, quantization, seed):
    """The tensors as the published checkpoints name them.

    With `fp8` the matrices of layers are F8 with block scales; what the published files keep wider
    stays BF16: table, head, router, `eh_proj` and `weights_proj`.
    """
    c = configuration
    yield Tensor("model.embed_tokens.weight", (c["vocab_size"], c["hidden_size"]), BF16)
    layers = c["num_hidden_layers"]
    for layer in range(layers + c.get("num_nextn_predict_layers", 0)):
        yield from _layer(c, f"model.layers.{layer}", quantization, min(layer, layers - 1))
        if layer >= layers:
            yield from _prediction(c, f"model.layers.{layer}")
    if "engram" in c:
        yield from _engram(c, seed)
    yield constant("model.norm.weight", 1, c["hidden_size"])
    yield Tensor("lm_head.weight", (c["vocab_size"], c["hidden_size"]), BF16)


def _matrix(name, rows, columns, quantization):
    yield Tensor(f"{name}.weight", (rows, columns), quantization)
    if quantization is FP8:
        blocks = (-(-rows // SCALE_BLOCK), -(-columns // SCALE_BLOCK))
        yield constant(f"{name}.weight_scale_inv", 1 / formats.FP8_GAIN, *blocks)


def _network(name, hidden, width, quantization):
    yield from _matrix(f"{name}.gate_proj", width, hidden, quantization)
    yield from _matrix(f"{name}.up_proj", width, hidden, quantization)
    yield from _matrix(f"{name}.down_proj", hidden, width, quantization)


def _layer(c, name, quantization, like):
    """One decoder layer; it has experts if layer `like` of the model has."""
    hidden, heads, rank = c["hidden_size"], c["num_attention_heads"], c["kv_lora_rank"]
    plain, rotary, value = c["qk_nope_head_dim"], c["qk_rope_head_dim"], c["v_head_dim"]
    attention = f"{name}.self_attn"
    yield constant(f"{name}.input_layernorm.weight", 1, hidden)
    yield constant(f"{name}.post_attention_layernorm.weight", 1, hidden)
    query_rank = c["q_lora_rank"]
    if query_rank:
        yield from _matrix(f"{attention}.q_a_proj", query_rank, hidden, quantization)
        yield constant(f"{attention}.q_a_layernorm.weight", 1, query_rank)
        yield from _matrix(
            f"{attention}.q_b_proj", heads * (plain + rotary), query_rank, quantization
        )
    else:
        yield from _matrix(f"{attention}.q_proj", heads * (plain + rotary), hidden, quantization)
    yield from _matrix(f"{attention}.kv_a_proj_with_mqa", rank + rotary, hidden, quantization)
    yield constant(f"{attention}.kv_a_layernorm.weight", 1, rank)
    yield from _matrix(f"{attention}.kv_b_proj", heads * (plain + value), rank, quantization)
    yield from _matrix(f"{attention}.o_proj", hidden, heads * value, quantization)
    if "index_topk" in c:
        size, indexer = c["index_head_dim"], f"{attention}.indexer"
        yield from _matrix(f"{indexer}.wq_b", c["index_n_heads"] * size, query_rank, quantization)
        yield from _matrix(f"{indexer}.wk", size, hidden, quantization)
        yield constant(f"{indexer}.k_norm.weight", 1, size)
        yield constant(f"{indexer}.k_norm.bias", 0, size)
        yield Tensor(f"{indexer}.weights_proj.weight", (c["index_n_heads"], hidden), BF16)
    width, count = c["moe_intermediate_size"], c["n_routed_experts"]
    if not has_experts(c, like):
        yield from _network(f"{name}.mlp", hidden, c["intermediate_size"], quantization)
        return
    yield Tensor(f"{name}.mlp.gate.weight", (count, hidden), BF16)
    if c["topk_method"] == "noaux_tc":
        yield constant(f"{name}.mlp.gate.e_score_correction_bias", 0, count)
    for expert in range(count):
        yield from _network(f"{name}.mlp.experts.{expert}", hidden, width, quantization)
    shared = width * c["n_shared_experts"]
    yield from _network(f"{name}.mlp.shared_experts", hidden, shared, quantization)


def _prediction(c, name):
    """What a prediction layer has besides; embedding and head are the main model's."""
    hidden = c["hidden_size"]
    yield constant(f"{name}.enorm.weight", 1, hidden)
    yield constant(f"{name}.hnorm.weight", 1, hidden)
    yield Tensor(f"{name}.eh_proj.weight", (hidden, 2 * hidden), BF16)
    yield constant(f"{name}.shared_head.norm.weight", 1, hidden)


def _engram(c, seed):
    """The memory of n-grams; every token is its own canonical id."""
    engram, hidden = c["engram"], c["hidden_size"]
    orders, heads = engram["max_ngram_size"] - 1, engram["n_head_per_ngram"]
    memory = orders * engram["n_embed_per_ngram"]
    vocabulary = c["vocab_size"]
    yield integers("model.engram.lookup_table", range(vocabulary), vocabulary)
    primes = _primes(engram)
    for layer in engram["layer_ids"]:
        name = f"model.layers.{layer}.engram"
        # Odd, and so small that no product with an id reaches 2**63.
        bound = max(1, ((1 << 63) - 1) // vocabulary // 2)
        draw = random.Random(f"{seed} {name}")
        multipliers = [2 * draw.randrange(bound) + 1 for _ in range(orders + 1)]
        yield integers(f"{name}.hash.multipliers", multipliers, orders + 1)
        sizes = primes[layer]
        yield integers(f"{name}.hash.primes", sizes, orders, heads)
        table = f"{name}.multi_head_embedding.embedding.weight"
        yield Tensor(table, (sum(sizes), engram["n_embed_per_ngram"] // heads), BF16)
        yield Tensor(f"{name}.value_proj.weight", (hidden, memory), BF16)
        branches = engram["hc_mult"]
        for branch in range(branches):
            yield Tensor(f"{name}.key_projs.{branch}.weight", (hidden, memory), BF16)
            for norm in ("norm1", "norm2", "short_conv.norms"):
                yield constant(f"{name}.{norm}.{branch}.weight", 1, hidden)
        taps = (branches * hidden, 1, engram["kernel_size"])
        yield Tensor(f"{name}.short_conv.conv.weight", taps, F32)


def _primes(engram):
    """For each layer the rows of its tables: primes from the size upward, none used twice."""
    used = set()

    def next_prime(candidate):
        while candidate in used or any(
            candidate % divisor == 0 for divisor in range(2, int(candidate**0.5) + 1)
        ):
            candidate += 1
        used.add(candidate)
        return candidate

    return {
        layer: [
            next_prime(size)
            for size in engram["engram_vocab_size"]
            for _ in range(engram["n_head_per_ngram"])
        ]
        for layer in engram["layer_ids"]
    }
