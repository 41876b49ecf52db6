public import FathomJSON

/// The sizes of an Engram memory: hashed tables of n-grams that a few layers read.
///
/// Cheng et al., "Conditional Memory via Scalable Lookup", arXiv 2601.07372. The fields and their
/// spelling in JSON are those of the published demo (`EngramConfig` in `engram_demo_v1.py`).
public struct EngramConfiguration: Sendable, Hashable {
    /// How a gate is made from the product of key and hidden state.
    public enum Gate: String, Sendable, Hashable, CaseIterable {
        /// `sigmoid(g)`: the paper, equation 4.
        case plain
        /// `sigmoid(sign(g) · sqrt(max(|g|, 1e-6)))`: the demo.
        case signedRoot = "signed_sqrt"
    }

    /// The layers that have a module, from 0, in the order in which primes are given out.
    ///
    /// The paper counts from 1: its layers 2 and 15 are 1 and 14 here.
    public var layers: [Int]
    /// The least rows of a head's table, for the orders 2, 3, … .
    public var tableSizes: [Int]
    /// The longest n-grams, N.
    public var maximumOrder: Int
    /// Elements that the heads of one order give together.
    public var orderWidth: Int
    /// Heads of one order, K; each has a table of its own.
    public var headCount: Int
    /// The token that stands before the start of a sequence, by the tokenizer's id.
    public var padID: Int
    /// What multipliers are drawn from; `nil` where the checkpoint's are to be taken as they are.
    public var seed: Int?
    /// Taps of the convolution.
    public var kernelSize: Int
    /// Elements of one branch of the residual stream, C.
    public var hiddenSize: Int
    /// Branches of the residual stream, M: 1 without hyper-connections.
    public var branchCount: Int
    public var gate: Gate
    /// ε of the norms of key and query.
    public var normEpsilon: Float
    /// ε of the norms before the convolution.
    public var convolutionNormEpsilon: Float
    /// Whether the projections of keys and values have a bias.
    public var hasProjectionBias: Bool
    /// How many canonical ids the tokenizer has, if the configuration says.
    public var canonicalCount: Int?

    /// Decodes and validates the fields.
    ///
    /// - Parameters:
    ///   - hiddenSize: the width of a branch; read from `hidden_size` if absent.
    ///   - branchCount: the branches; read from `hc_mult` if absent, 1 by default.
    /// - Throws: `ConfigurationError` naming the field that is missing, impossible or not
    ///   supported.
    public init(
        _ object: JSONObject, hiddenSize: Int? = nil, branchCount: Int? = nil
    ) throws(ConfigurationError) {
        try self.init(ConfigurationReader(object), hiddenSize, branchCount)
    }

    /// Decodes the object `engram` of a model's configuration; `nil` if it has none.
    ///
    /// - Throws: as above.
    public init?(
        ofModel object: JSONObject, hiddenSize: Int? = nil, branchCount: Int? = nil
    ) throws(ConfigurationError) {
        let reader = ConfigurationReader(object)
        guard let engram = try reader.optionalObject("engram") else { return nil }
        var hidden = hiddenSize
        var branches = branchCount
        if hidden == nil { hidden = try reader.optionalInt("hidden_size") }
        if branches == nil { branches = try reader.optionalInt("hc_mult", in: 1...64) }
        try self.init(engram, hidden, branches)
    }

    private init(_ reader: ConfigurationReader, _ hidden: Int?, _ branches: Int?)
        throws(ConfigurationError)
    {
        maximumOrder = try reader.int("max_ngram_size", in: 2...16)
        tableSizes = try reader.ints("engram_vocab_size", in: 2...(1 << 30))
        guard tableSizes.count == maximumOrder - 1 else {
            throw ConfigurationError(
                reader.fieldName("engram_vocab_size"), found: "\(tableSizes.count) sizes",
                expected: "\(maximumOrder - 1), one for each order from 2 to max_ngram_size")
        }
        headCount = try reader.int("n_head_per_ngram", in: 1...1024)
        orderWidth = try reader.int("n_embed_per_ngram")
        guard orderWidth % headCount == 0 else {
            throw ConfigurationError(
                reader.fieldName("n_embed_per_ngram"), found: "\(orderWidth)",
                expected: "a multiple of n_head_per_ngram, \(headCount)")
        }
        layers = try reader.ints("layer_ids", in: 0...9_999)
        guard Set(layers).count == layers.count else {
            throw ConfigurationError(
                reader.fieldName("layer_ids"), found: "\(layers)", expected: "different layers")
        }
        padID = try reader.int("pad_id", in: 0...ConfigurationReader.largestSize)
        // Seeds are added to 10,007 times a layer, which must not overflow.
        seed = try reader.optionalInt("seed", in: 0...(1 << 53))
        kernelSize = try reader.int("kernel_size", in: 1...64)
        let ownHidden = try reader.optionalInt("hidden_size")
        guard let width = hidden ?? ownHidden else {
            throw ConfigurationError(
                reader.fieldName("hidden_size"), found: "nothing", expected: "a whole number")
        }
        hiddenSize = width
        let ownBranches = try reader.optionalInt("hc_mult", in: 1...64)
        branchCount = branches ?? ownBranches ?? 1
        // The published code has this form; the paper's plain one has to be asked for.
        let form = try reader.optionalString("gate") ?? Gate.signedRoot.rawValue
        guard let gate = Gate(rawValue: form) else {
            throw ConfigurationError(
                reader.fieldName("gate"), found: "'\(form)'", expected: "'plain' or 'signed_sqrt'")
        }
        self.gate = gate
        // The demo's norms of key and query leave ε to torch, which takes the type's epsilon.
        normEpsilon = Float(try reader.positive("norm_eps", default: Double(Float.ulpOfOne)))
        convolutionNormEpsilon = Float(try reader.positive("conv_norm_eps", default: 1e-5))
        hasProjectionBias = try reader.bool("proj_bias", default: true)
        canonicalCount = try reader.optionalInt("num_compressed_tokens")
        let heads = (maximumOrder - 1) * headCount
        // Primes lie close above the sizes; a quarter leaves room for them.
        let rows = tableSizes.reduce(0) { $0 + $1 + $1 / 4 + 1024 } * headCount
        guard heads <= 4096, rows <= Int(Int32.max) else {
            throw ConfigurationError(
                reader.fieldName("engram_vocab_size"),
                found: "about \(rows) rows in \(heads) tables",
                expected: "fewer than 2,147,483,648 rows and at most 4,096 tables a layer")
        }
    }

    /// Orders of n-grams: 2 to `maximumOrder`.
    public var orderCount: Int { maximumOrder - 1 }

    /// Elements of a row of a table.
    public var headWidth: Int { orderWidth / headCount }

    /// Elements that all tables of a layer give together.
    public var memoryWidth: Int { orderCount * orderWidth }

    /// Elements of a row of the residual stream.
    public var streamWidth: Int { branchCount * hiddenSize }

    /// Rows from one tap of the convolution to the next.
    public var dilation: Int { maximumOrder }

    /// The fields as JSON, to be stored as the object `engram` of a `config.json`.
    public var json: JSONObject {
        var object = JSONObject()
        object["engram_vocab_size"] = .array(tableSizes.map(JSONValue.integer))
        object["max_ngram_size"] = .integer(maximumOrder)
        object["n_embed_per_ngram"] = .integer(orderWidth)
        object["n_head_per_ngram"] = .integer(headCount)
        object["layer_ids"] = .array(layers.map(JSONValue.integer))
        object["pad_id"] = .integer(padID)
        if let seed { object["seed"] = .integer(seed) }
        object["kernel_size"] = .integer(kernelSize)
        object["hidden_size"] = .integer(hiddenSize)
        object["hc_mult"] = .integer(branchCount)
        object["gate"] = .string(gate.rawValue)
        object["norm_eps"] = .number(Double(normEpsilon))
        object["conv_norm_eps"] = .number(Double(convolutionNormEpsilon))
        object["proj_bias"] = .bool(hasProjectionBias)
        if let canonicalCount { object["num_compressed_tokens"] = .integer(canonicalCount) }
        return object
    }
}

extension ConfigurationReader {
    /// A list of whole numbers.
    fileprivate func ints(_ key: String, in range: ClosedRange<Int>) throws(ConfigurationError)
        -> [Int]
    {
        guard let items = object[key]?.arrayValue, !items.isEmpty, items.count <= 1024 else {
            throw ConfigurationError(
                fieldName(key), found: object[key].map { "\($0)" } ?? "nothing",
                expected: "a list of 1 to 1,024 whole numbers")
        }
        var numbers: [Int] = []
        for item in items {
            guard let number = item.intValue, range.contains(number) else {
                throw ConfigurationError(
                    fieldName(key), found: "\(item)",
                    expected: "numbers from \(range.lowerBound) to \(range.upperBound)")
            }
            numbers.append(number)
        }
        return numbers
    }

    fileprivate func fieldName(_ key: String) -> String { place.isEmpty ? key : "\(place).\(key)" }
}
