"""Writes model.gguf: a llama model whose next token follows from the last one alone.

Embeddings are one-hot and the blocks add nothing, so that the output matrix says for each token which
one follows. `python3 make.py` in this folder writes the same bytes every time.
"""

import struct

HIDDEN, CONTEXT = 32, 512
TEMPLATE = (
    "{{ bos_token }}"
    "{% if tools %}{% for tool in tools %}{{ tool | tojson }}{% endfor %}{% endif %}"
    "{% for message in messages %}"
    "{% if message.role == 'system' %}{{ message.content }}"
    "{% elif message.role == 'user' %}<｜User｜>{{ message.content }}<｜Assistant｜>"
    "{% if thinking is defined and not thinking %}</think>{% endif %}"
    "{% elif message.role == 'assistant' %}"
    "{% if message.reasoning_content and not loop.last and loop.nextitem.role == 'tool' %}"
    "<think>{{ message.reasoning_content }}</think>{% endif %}{{ message.content or '' }}"
    "{% if message.tool_calls %}<｜tool▁calls▁begin｜>{% for call in message.tool_calls %}"
    "<｜tool▁call▁begin｜>{{ call.function.name }}<｜tool▁sep｜>{{ call.function.arguments }}"
    "<｜tool▁call▁end｜>{% endfor %}<｜tool▁calls▁end｜>{% endif %}{{ eos_token }}"
    "{% elif message.role == 'tool' %}<｜tool▁output▁begin｜>{{ message.content }}"
    "<｜tool▁output▁end｜>{% endif %}{% endfor %}"
)

BEGIN, END = "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"
MARKERS = [
    BEGIN, END, "<｜User｜>", "<｜Assistant｜>", "<think>", "</think>", "<｜tool▁calls▁begin｜>",
    "<｜tool▁calls▁end｜>", "<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>", "<｜tool▁sep｜>",
    "<｜tool▁output▁begin｜>", "<｜tool▁output▁end｜>", "<｜fim▁begin｜>", "<｜fim▁hole｜>",
    "<｜fim▁end｜>",
]
SCRIPTS = [
    ["<｜Assistant｜>", "<think>", *"hm", "</think>", *"ask", "<｜tool▁calls▁begin｜>",
     "<｜tool▁call▁begin｜>", "f", "<｜tool▁sep｜>", *"{}", "<｜tool▁call▁end｜>",
     "<｜tool▁calls▁end｜>", END],
    ["<｜tool▁output▁end｜>", *"done", END],
    ["<｜fim▁end｜>", *"xyz", "<｜fim▁begin｜>"],
]


def byte_letters():
    """The letters that stand for bytes in the vocabularies of GPT-2 and its successors."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters, free = [], 256
    for byte in range(256):
        letters.append(chr(byte if byte in plain else free))
        free += byte not in plain
    return letters


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def pair(key, kind, value):
    return text(key) + struct.pack("<I", kind) + value


def array(kind, values):
    return struct.pack("<IQ", kind, len(values)) + b"".join(values)


def number(value):
    return struct.pack("<I", value)


tokens = byte_letters() + MARKERS
ids = {token: index for index, token in enumerate(tokens)}
kinds = [1] * 256 + [3 if token in (BEGIN, END) else 4 for token in MARKERS]
follower = {ids[a]: ids[b] for script in SCRIPTS for a, b in zip(script, script[1:])}
# Dimension 0 is for all tokens that no script has; the answer ends after them.
states = {token: index + 1 for index, token in enumerate(sorted(follower))}
assert len(states) < HIDDEN

embedding = [[0.0] * HIDDEN for _ in tokens]
output = [[0.0] * HIDDEN for _ in tokens]
output[ids[END]][0] = 4.0
for token in range(len(tokens)):
    embedding[token][states.get(token, 0)] = 1.0
    if token in follower:
        output[follower[token]][states[token]] = 4.0

square, ones = [[0.0] * HIDDEN] * HIDDEN, [[1.0] * HIDDEN]
tensors = [("token_embd.weight", embedding), ("output.weight", output), ("output_norm.weight", ones)]
for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
    tensors.append((f"blk.0.{name}.weight", square))
tensors += [("blk.0.attn_norm.weight", ones), ("blk.0.ffn_norm.weight", ones)]

pairs = [
    pair("general.architecture", 8, text("llama")),
    pair("llama.block_count", 4, number(1)),
    pair("llama.context_length", 4, number(CONTEXT)),
    pair("llama.embedding_length", 4, number(HIDDEN)),
    pair("llama.feed_forward_length", 4, number(HIDDEN)),
    pair("llama.attention.head_count", 4, number(2)),
    pair("llama.attention.head_count_kv", 4, number(2)),
    pair("llama.attention.layer_norm_rms_epsilon", 6, struct.pack("<f", 1e-6)),
    pair("tokenizer.ggml.model", 8, text("gpt2")),
    pair("tokenizer.ggml.pre", 8, text("deepseek-v3")),
    pair("tokenizer.ggml.tokens", 9, array(8, [text(token) for token in tokens])),
    pair("tokenizer.ggml.token_type", 9, array(5, [number(kind) for kind in kinds])),
    pair("tokenizer.ggml.merges", 9, array(8, [])),
    pair("tokenizer.ggml.bos_token_id", 4, number(ids[BEGIN])),
    pair("tokenizer.ggml.eos_token_id", 4, number(ids[END])),
    pair("tokenizer.ggml.add_bos_token", 7, b"\1"),
    pair("tokenizer.chat_template", 8, text(TEMPLATE)),
]
header = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs)) + b"".join(pairs)
data = b""
for name, rows in tensors:
    shape = [HIDDEN] if rows is ones else [HIDDEN, len(rows)]
    header += text(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
    header += struct.pack("<IQ", 0, len(data))
    data += b"".join(struct.pack(f"<{HIDDEN}f", *row) for row in rows)
    data += b"\0" * (-len(data) % 32)
with open("model.gguf", "wb") as file:
    file.write(header + b"\0" * (-len(header) % 32) + data)
