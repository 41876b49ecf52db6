public import FathomTensors

/// Which number format each tensor of a model gets.
///
/// Matrices get `type`; norms, biases and other vectors stay F32. As llama.cpp does
/// (src/llama-quant.cpp), the output matrix, or the embedding that stands in for it, gets Q6_K where
/// `type` is coarser, and rows that are no multiple of a block get a similar format with a smaller
/// one.
public struct QuantizationPolicy: Sendable, Hashable {
    /// The format of matrices; nil leaves each as it is.
    public var type: DType?
    /// The format of the token embedding, where it is to differ.
    public var embeddingType: DType?
    /// The format of the output matrix, where it is to differ.
    public var outputType: DType?
    /// Whether the value projections and the second matrices of the feed-forward networks get Q6_K
    /// in some layers: the first and last eighth, and every third between.
    public var keepsSensitiveLayers = false

    public init(type: DType?) {
        self.type = type
    }

    /// Leaves every matrix in the format it has.
    public static let asStored = QuantizationPolicy(type: nil)

    /// The policy of a name: that of a format, such as `Q8_0` or `bf16`, or `Q4_K_M` or `Q5_K_M`,
    /// which keep sensitive layers in Q6_K.
    public init?(named name: String) {
        switch name.uppercased() {
        case "Q4_K_M":
            self.init(type: .q4_K)
            keepsSensitiveLayers = true
        case "Q5_K_M":
            self.init(type: .q5_K)
            keepsSensitiveLayers = true
        default:
            guard let type = DType(named: name), type.canEncode, type.rawValue < 1000 else {
                return nil
            }
            self.init(type: type)
        }
    }

    /// The format of a tensor under its GGUF name.
    ///
    /// - Parameters:
    ///   - layerCount: how many layers the model has.
    ///   - hasOutput: whether the model has an output matrix of its own.
    func type(of info: TensorInfo, layerCount: Int, hasOutput: Bool) -> DType {
        guard isMatrix(info) else { return .f32 }
        guard let type else { return info.dtype.isGGUFFloat ? info.dtype : .f32 }
        let rowLength = info.shape.last ?? 1
        let isOutput =
            info.name == "output.weight" || !hasOutput && info.name == "token_embd.weight"
        var wanted = type
        if isOutput, let outputType {
            wanted = outputType
        } else if info.name == "token_embd.weight", let embeddingType {
            wanted = embeddingType
        } else if isOutput, type.isBlocked, type != .q8_0 {
            wanted = rowLength % DType.q6_K.blockElements == 0 ? .q6_K : .q8_0
        } else if keepsSensitiveLayers, isSensitive(info.name, layerCount) {
            wanted = .q6_K
        }
        while rowLength % wanted.blockElements != 0 { wanted = wanted.fallback }
        return wanted
    }

    private func isMatrix(_ info: TensorInfo) -> Bool {
        info.shape.count >= 2 && info.name.hasSuffix(".weight")
            && !info.name.hasSuffix("_norm.weight") && !info.name.hasSuffix("ffn_gate_inp.weight")
    }

    private func isSensitive(_ name: String, _ layerCount: Int) -> Bool {
        let parts = name.split(separator: ".")
        guard parts.count == 4, parts[2] == "attn_v" || parts[2] == "ffn_down",
            let layer = Int(parts[1])
        else { return false }
        let eighth = layerCount / 8
        return layer < eighth || layer >= 7 * layerCount / 8 || (layer - eighth) % 3 == 2
    }

    /// The number that `general.file_type` gives the policy (llama.cpp, `enum llama_ftype`); nil
    /// where it has none.
    var fileType: UInt32? {
        switch type {
        case .f32: 0
        case .f16: 1
        case .q4_0: 2
        case .q4_1: 3
        case .q8_0: 7
        case .q5_0: 8
        case .q5_1: 9
        case .q2_K: 10
        case .q3_K: 11
        case .q4_K: keepsSensitiveLayers ? 15 : 14
        case .q5_K: keepsSensitiveLayers ? 17 : 16
        case .q6_K: 18
        case .iq4_NL: 25
        case .iq4_XS: 30
        case .bf16: 32
        case .tq1_0: 36
        case .tq2_0: 37
        default: nil
        }
    }
}

extension DType {
    /// Whether a GGUF file of a model may hold the numbers as they are.
    fileprivate var isGGUFFloat: Bool { isReal && rawValue < 1000 && self != .f64 }

    /// The format for rows that are no whole number of this format's blocks: of nearly the same
    /// size, with smaller blocks.
    fileprivate var fallback: DType {
        switch self {
        case .q4_K: .q5_0
        case .q5_K: .q5_1
        case .q6_K: .q8_0
        case .tq1_0, .tq2_0: .q4_0
        case .q2_K, .q3_K, .iq1_S, .iq1_M, .iq2_XXS, .iq2_XS, .iq2_S, .iq3_XXS, .iq3_S, .iq4_XS:
            .iq4_NL
        default: .f16
        }
    }
}
