/// The names of an architecture's tensors in Hugging Face's layout and in GGUF, as pairs.
///
/// ```swift
/// TensorNames.llama.gguf("model.layers.3.self_attn.q_proj.weight")   // "blk.3.attn_q.weight"
/// TensorNames.llama.huggingFace("blk.3.attn_q.weight")
/// ```
///
/// In the pairs `#` stands for a number, such as that of a layer; the numbers of a name are carried
/// over in their order.
public struct TensorNames: Sendable {
    /// One kind of tensor.
    public struct Pair: Sendable, Hashable {
        public let huggingFace: String
        public let gguf: String

        public init(_ huggingFace: String, _ gguf: String) {
            self.huggingFace = huggingFace
            self.gguf = gguf
        }
    }

    public let pairs: [Pair]
    private let toGGUF: [String: String]
    private let toHuggingFace: [String: String]

    /// Makes a table.
    ///
    /// - Precondition: no name twice on one side; as many `#` on one side of a pair as on the other.
    public init(_ pairs: [Pair]) {
        self.pairs = pairs
        toGGUF = Dictionary(uniqueKeysWithValues: pairs.map { ($0.huggingFace, $0.gguf) })
        toHuggingFace = Dictionary(uniqueKeysWithValues: pairs.map { ($0.gguf, $0.huggingFace) })
        for pair in pairs {
            precondition(
                pair.huggingFace.filter { $0 == "#" }.count == pair.gguf.filter { $0 == "#" }.count,
                "\(pair) does not carry its numbers over")
        }
    }

    /// The GGUF name of a tensor; nil if the table does not have it.
    public func gguf(_ huggingFaceName: String) -> String? {
        Self.translate(huggingFaceName, toGGUF)
    }

    /// The Hugging Face name of a tensor; nil if the table does not have it.
    public func huggingFace(_ ggufName: String) -> String? {
        Self.translate(ggufName, toHuggingFace)
    }

    private static func translate(_ name: String, _ table: [String: String]) -> String? {
        guard !name.contains("#") else { return nil }
        var numbers: [Substring] = []
        let parts = name.split(separator: ".", omittingEmptySubsequences: false).map { part in
            guard !part.isEmpty, part.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
                return part
            }
            numbers.append(part)
            return "#"
        }
        guard let found = table[parts.joined(separator: ".")] else { return nil }
        var next = numbers.makeIterator()
        return found.split(separator: ".", omittingEmptySubsequences: false)
            .map { $0 == "#" ? next.next() ?? $0 : $0 }
            .joined(separator: ".")
    }

    /// The table of an architecture as `general.architecture` names it; nil if there is none.
    public static func of(architecture: String) -> TensorNames? {
        tables.first { $0.architecture == architecture }?.names
    }

    /// The architectures that have a table.
    public static var architectures: [String] { tables.map(\.architecture) }

    private static let tables: [(architecture: String, names: TensorNames)] = [
        ("llama", llama), ("qwen2", qwen2), ("deepseek", deepSeek), ("deepseek2", deepSeek),
    ]
}

extension TensorNames {
    /// Llama and what is built like it. Names as in llama.cpp, gguf-py/gguf/tensor_mapping.py.
    public static let llama = TensorNames(
        [Pair("model.embed_tokens.weight", "token_embd.weight")]
            + [Pair("model.norm.weight", "output_norm.weight")]
            + [Pair("lm_head.weight", "output.weight")]
            + [Pair("model.layers.#.input_layernorm.weight", "blk.#.attn_norm.weight")]
            + [Pair("model.layers.#.post_attention_layernorm.weight", "blk.#.ffn_norm.weight")]
            + linear("self_attn.q_proj", "attn_q") + linear("self_attn.k_proj", "attn_k")
            + linear("self_attn.v_proj", "attn_v") + linear("self_attn.o_proj", "attn_output")
            + linear("mlp.gate_proj", "ffn_gate") + linear("mlp.up_proj", "ffn_up")
            + linear("mlp.down_proj", "ffn_down"))

    /// Qwen2, whose tensors have the names of Llama's.
    public static let qwen2 = llama

    /// DeepSeekMoE, V2 and V3. Experts may also be stacked, keys and values split; see
    /// `GGUFNamedSource`.
    public static let deepSeek = TensorNames(
        llama.pairs + linear("self_attn.q_a_proj", "attn_q_a")
            + linear("self_attn.q_b_proj", "attn_q_b")
            + linear("self_attn.kv_a_proj_with_mqa", "attn_kv_a_mqa")
            + linear("self_attn.kv_b_proj", "attn_kv_b")
            + linear("mlp.shared_experts.gate_proj", "ffn_gate_shexp")
            + linear("mlp.shared_experts.up_proj", "ffn_up_shexp")
            + linear("mlp.shared_experts.down_proj", "ffn_down_shexp")
            + linear("mlp.experts.#.gate_proj", "ffn_gate.#")
            + linear("mlp.experts.#.up_proj", "ffn_up.#")
            + linear("mlp.experts.#.down_proj", "ffn_down.#")
            + [
                Pair("model.layers.#.self_attn.q_a_layernorm.weight", "blk.#.attn_q_a_norm.weight"),
                Pair(
                    "model.layers.#.self_attn.kv_a_layernorm.weight", "blk.#.attn_kv_a_norm.weight"),
                Pair("model.layers.#.mlp.gate.weight", "blk.#.ffn_gate_inp.weight"),
                Pair(
                    "model.layers.#.mlp.gate.e_score_correction_bias", "blk.#.exp_probs_b.bias"),
                Pair("model.layers.#.self_attn.k_b_proj.weight", "blk.#.attn_k_b.weight"),
                Pair("model.layers.#.self_attn.v_b_proj.weight", "blk.#.attn_v_b.weight"),
                Pair("model.layers.#.mlp.experts.gate_proj.weight", "blk.#.ffn_gate_exps.weight"),
                Pair("model.layers.#.mlp.experts.up_proj.weight", "blk.#.ffn_up_exps.weight"),
                Pair("model.layers.#.mlp.experts.down_proj.weight", "blk.#.ffn_down_exps.weight"),
            ])

    private static func linear(_ huggingFace: String, _ gguf: String) -> [Pair] {
        ["weight", "bias"].map {
            Pair("model.layers.#.\(huggingFace).\($0)", "blk.#.\(gguf).\($0)")
        }
    }
}
