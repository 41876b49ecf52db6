"""The models whose shapes are made: configurations as `config.json` has them.

V2-Lite is the published model. The others keep what makes their designs (heads, ranks, experts,
groups, indexer, tables) and are narrower and shallower, so that they fit into a few gigabytes.
"""

#: DeepSeek-V2-Lite: deepseek-ai/DeepSeek-V2-Lite, config.json.
V2_LITE = {
    "architectures": ["DeepseekV2ForCausalLM"],
    "model_type": "deepseek_v2",
    "vocab_size": 102400,
    "hidden_size": 2048,
    "intermediate_size": 10944,
    "moe_intermediate_size": 1408,
    "num_hidden_layers": 27,
    "num_attention_heads": 16,
    "num_key_value_heads": 16,
    "q_lora_rank": None,
    "kv_lora_rank": 512,
    "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64,
    "v_head_dim": 128,
    "n_routed_experts": 64,
    "n_shared_experts": 2,
    "num_experts_per_tok": 6,
    "first_k_dense_replace": 1,
    "moe_layer_freq": 1,
    "n_group": 1,
    "topk_group": 1,
    "topk_method": "greedy",
    "scoring_func": "softmax",
    "norm_topk_prob": False,
    "routed_scaling_factor": 1.0,
    "hidden_act": "silu",
    "rms_norm_eps": 1e-6,
    "rope_theta": 10000,
    "rope_scaling": {
        "type": "yarn",
        "factor": 40,
        "original_max_position_embeddings": 4096,
        "beta_fast": 32,
        "beta_slow": 1,
        "mscale": 0.707,
        "mscale_all_dim": 0.707,
    },
    "max_position_embeddings": 163840,
    "tie_word_embeddings": False,
    "attention_bias": False,
}

#: DeepSeek-V3 (arXiv 2412.19437) with a hidden size of 2,048 for 7,168, 32 heads for 128, experts
#: 256 wide for 2,048, 8 layers for 61.
V3 = {
    **V2_LITE,
    "architectures": ["DeepseekV3ForCausalLM"],
    "model_type": "deepseek_v3",
    "vocab_size": 129280,
    "intermediate_size": 5632,
    "moe_intermediate_size": 256,
    "num_hidden_layers": 8,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "q_lora_rank": 768,
    "n_routed_experts": 256,
    "n_shared_experts": 1,
    "num_experts_per_tok": 8,
    "n_group": 8,
    "topk_group": 4,
    "topk_method": "noaux_tc",
    "scoring_func": "sigmoid",
    "norm_topk_prob": True,
    "routed_scaling_factor": 2.5,
    "rope_scaling": {**V2_LITE["rope_scaling"], "mscale": 1.0, "mscale_all_dim": 1.0},
    "num_nextn_predict_layers": 1,
}

#: The same with the lightning indexer of DeepSeek-V3.2 (arXiv 2512.02556), full size.
V32 = {
    **V3,
    "architectures": ["DeepseekV32ForCausalLM"],
    "model_type": "deepseek_v32",
    "index_n_heads": 64,
    "index_head_dim": 128,
    "index_topk": 2048,
}

#: Engram-27B (arXiv 2601.07372, table 1) with a hidden size of 1,024 for 2,560, 16 heads for 32,
#: experts 512 wide, 12 layers for 30, one branch for 4, and tables of 2 x 129,280 rows a head for
#: 17.5 x 129,280.
ENGRAM = {
    **V3,
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "moe_intermediate_size": 512,
    "num_hidden_layers": 12,
    "num_attention_heads": 16,
    "num_key_value_heads": 16,
    "q_lora_rank": None,
    "n_routed_experts": 55,
    "n_shared_experts": 2,
    "num_experts_per_tok": 6,
    "n_group": 1,
    "topk_group": 1,
    "rope_scaling": None,
    "max_position_embeddings": 4096,
    "num_nextn_predict_layers": 0,
    "engram": {
        "engram_vocab_size": [258560, 258560],
        "max_ngram_size": 3,
        "n_embed_per_ngram": 640,
        "n_head_per_ngram": 8,
        "layer_ids": [1, 5],
        "pad_id": 2,
        "kernel_size": 4,
        "hc_mult": 1,
        "gate": "plain",
        "proj_bias": False,
    },
}

SHAPES = {"v2-lite": V2_LITE, "v3": V3, "v3.2": V32, "engram": ENGRAM}


def shaped(name, layers=None):
    """The configuration of a shape, cut to its first layers."""
    configuration = dict(SHAPES[name])
    if layers is not None:
        configuration["num_hidden_layers"] = layers
    count = configuration["num_hidden_layers"]
    configuration["first_k_dense_replace"] = min(configuration["first_k_dense_replace"], count)
    if "engram" in configuration:
        engram = dict(configuration["engram"])
        engram["layer_ids"] = [layer for layer in engram["layer_ids"] if layer < count]
        if engram["layer_ids"]:
            configuration["engram"] = engram
        else:
            del configuration["engram"]
    return configuration
