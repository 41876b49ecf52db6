public import FathomCheckpoints
public import FathomTensors

/// The numbers that lead from tokens to rows of an Engram memory; all of them integers.
///
/// They belong to a model as its weights do, and are stored beside them as I64 tensors:
///
/// | Name, below the model's root | Shape |
/// | --- | --- |
/// | `engram.lookup_table` | `[V]`: the canonical id of every token |
/// | `layers.L.engram.hash.multipliers` | `[N]` |
/// | `layers.L.engram.hash.primes` | `[N - 1, K]`: by order and head |
public struct EngramTables: Sendable, Hashable {
    /// The canonical id of every token, by the tokenizer's id.
    public let canonicalIDs: [Int32]

    /// Canonical ids are 0 to one less.
    public let canonicalCount: Int

    /// What stands before the start of a sequence.
    public let canonicalPadID: Int32

    /// The hashes of the layers that have a module.
    public let hashes: [Int: NGramHash]

    /// The canonical ids of tokens; a negative id, or one beyond the table, stays as it is.
    public func canonical(_ tokenIDs: some Sequence<Int32>) -> [Int32] {
        tokenIDs.map { canonicalIDs.indices.contains(Int($0)) ? canonicalIDs[Int($0)] : $0 }
    }

    private init(
        _ ids: [Int32], count: Int, padID: Int32, hashes: [Int: NGramHash]
    ) {
        canonicalIDs = ids
        canonicalCount = count
        canonicalPadID = padID
        self.hashes = hashes
    }

    /// The tables of a new model.
    ///
    /// - Parameter canonicalIDs: the ids of a `CanonicalVocabulary`.
    /// - Throws: `EngramError` if they are none, do not fit the configuration, or it has no seed.
    public init(generatedFor configuration: EngramConfiguration, canonicalIDs: [Int32]) throws {
        let place = "config.json"
        let count = try Self.check(
            canonicalIDs.map(Int64.init), configuration, name: "lookup table", in: place)
        guard let seed = configuration.seed else {
            throw EngramError(
                "seed", in: place, .missing(advice: "new multipliers are drawn from it"))
        }
        self.init(
            canonicalIDs, count: count,
            padID: try Self.padID(configuration, canonicalIDs, in: place),
            hashes: NGramHash.generated(
                configuration, canonicalCount: count, seed: seed))
    }

    /// Reads the stored tables and checks them against the configuration and the weights.
    ///
    /// Hashes that are not stored are generated if the configuration gives a seed, since the
    /// published demo stores none; the lookup table must be there, or be given.
    ///
    /// - Parameters:
    ///   - root: what stands before `layers.` in the names: `model`, or nothing.
    ///   - canonicalIDs: the ids of the tokenizer's `CanonicalVocabulary`, for a checkpoint
    ///     without a lookup table.
    ///   - path: how errors name the checkpoint.
    /// - Throws: `EngramError` naming the tensor that is missing or does not fit.
    public init(
        _ source: any CheckpointSource, _ configuration: EngramConfiguration, root: String,
        canonicalIDs: [Int32]? = nil, path: String
    ) throws {
        let reader = EngramTableReader(
            source: source, configuration: configuration,
            names: EngramNames(root: root), path: path)
        let stored = try reader.lookupTable() ?? canonicalIDs?.map(Int64.init)
        guard let stored else {
            throw EngramError(
                reader.names.lookupTable, in: path,
                .missing(advice: "store the tokenizer's canonical ids under this name"))
        }
        let count = try Self.check(
            stored, configuration, name: reader.names.lookupTable, in: path)
        let ids = stored.map { Int32(truncatingIfNeeded: $0) }
        self.init(
            ids, count: count, padID: try Self.padID(configuration, ids, in: path),
            hashes: try reader.hashes(canonicalCount: count))
    }

    /// The tensors to store beside the weights, with their names.
    public func tensors(root: String) -> [(name: String, tensor: Tensor)] {
        let names = EngramNames(root: root)
        var tensors = [
            (names.lookupTable, Tensor(canonicalIDs.map(Int64.init), shape: [canonicalIDs.count]))
        ]
        for (layer, hash) in hashes.sorted(by: { $0.key < $1.key }) {
            tensors.append(
                (
                    names.multipliers(layer),
                    Tensor(hash.multipliers, shape: [hash.multipliers.count])
                ))
            tensors.append(
                (
                    names.primes(layer),
                    Tensor(
                        hash.primes.joined().map(Int64.init),
                        shape: [hash.primes.count, hash.primes.first?.count ?? 0])
                ))
        }
        return tensors
    }

    /// Checks that canonical ids are numbered by first use; returns how many there are.
    private static func check(
        _ ids: [Int64], _ configuration: EngramConfiguration, name: String, in path: String
    ) throws(EngramError) -> Int {
        guard (1...ConfigurationReader.largestSize).contains(ids.count) else {
            throw EngramError(
                name, in: path,
                .form(
                    found: "a table of \(ids.count) tokens",
                    expected: "1 to \(ConfigurationReader.largestSize) of them"))
        }
        var count: Int64 = 0
        for (token, id) in ids.enumerated() {
            guard id >= 0, id <= count else {
                throw EngramError(
                    name, in: path, .lookup(tokenID: token, found: id, expected: "0 to \(count)"))
            }
            if id == count { count += 1 }
        }
        if let expected = configuration.canonicalCount, expected != Int(count) {
            throw EngramError(
                name, in: path, .canonicalCount(found: Int(count), expected: expected))
        }
        return Int(count)
    }

    private static func padID(
        _ configuration: EngramConfiguration, _ ids: [Int32], in path: String
    ) throws(EngramError) -> Int32 {
        guard ids.indices.contains(configuration.padID) else {
            throw EngramError(
                "pad_id", in: path, .padID(configuration.padID, tokenCount: ids.count))
        }
        return ids[configuration.padID]
    }
}

/// The names of an Engram memory's tensors that are no weights.
struct EngramNames: Sendable {
    let root: String

    private func name(_ path: String) -> String { root.isEmpty ? path : "\(root).\(path)" }

    var lookupTable: String { name("engram.lookup_table") }
    func layer(_ layer: Int) -> String { name("layers.\(layer).engram") }
    func multipliers(_ layer: Int) -> String { self.layer(layer) + ".hash.multipliers" }
    func primes(_ layer: Int) -> String { self.layer(layer) + ".hash.primes" }
    /// The demo's buffer of the tables' first rows, which follows from the primes.
    func offsets(_ layer: Int) -> String {
        self.layer(layer) + ".multi_head_embedding.offsets"
    }
    func table(_ layer: Int) -> String {
        self.layer(layer) + ".multi_head_embedding.embedding.weight"
    }
    func convolution(_ layer: Int) -> String { self.layer(layer) + ".short_conv.conv.weight" }
}
