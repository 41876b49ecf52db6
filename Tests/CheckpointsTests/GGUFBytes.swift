/// Builds the bytes of a GGUF file field by field, right or wrong.
struct GGUFBytes {
    var magic = Array("GGUF".utf8)
    var version: UInt32 = 3
    /// Nil counts what was added.
    var tensorCount: UInt64?
    var pairCount: UInt64?
    var alignment = 32
    private var pairs: [[UInt8]] = []
    private var tensors: [[UInt8]] = []
    private var data: [UInt8] = []

    /// A string with its length, or with another one.
    static func string(_ bytes: some Collection<UInt8>, length: UInt64? = nil) -> [UInt8] {
        littleEndian(length ?? UInt64(bytes.count)) + bytes
    }

    static func string(_ text: String) -> [UInt8] { string(Array(text.utf8)) }

    /// Adds a metadata pair whose value is given as bytes.
    mutating func pair(_ key: [UInt8], type: UInt32, value: [UInt8]) {
        pairs.append(key + littleEndian(type) + value)
    }

    mutating func pair(_ key: String, type: UInt32, value: [UInt8]) {
        pair(Self.string(key), type: type, value: value)
    }

    /// Adds an array whose elements are given as bytes.
    mutating func array(_ key: String, type: UInt32, count: UInt64, elements: [UInt8]) {
        pair(key, type: 9, value: littleEndian(type) + littleEndian(count) + elements)
    }

    /// Adds a tensor; dimensions innermost first, as in the file.
    ///
    /// - Parameter offset: nil places it after the one before it.
    mutating func tensor(
        name: [UInt8], dimensions: [Int64], rank: UInt32? = nil, type: UInt32,
        offset: UInt64? = nil, bytes: [UInt8]
    ) {
        tensors.append(
            name + littleEndian(rank ?? UInt32(dimensions.count))
                + dimensions.flatMap { littleEndian($0) } + littleEndian(type)
                + littleEndian(offset ?? UInt64(data.count)))
        data += bytes
        while data.count % alignment != 0 { data.append(0) }
    }

    mutating func tensor(
        _ name: String, _ dimensions: [Int64], rank: UInt32? = nil, type: UInt32 = 24,
        offset: UInt64? = nil, bytes: [UInt8] = []
    ) {
        tensor(
            name: Self.string(name), dimensions: dimensions, rank: rank, type: type,
            offset: offset, bytes: bytes)
    }

    /// The header without padding.
    var header: [UInt8] {
        magic + littleEndian(version) + littleEndian(tensorCount ?? UInt64(tensors.count))
            + littleEndian(pairCount ?? UInt64(pairs.count)) + pairs.joined() + tensors.joined()
    }

    /// The whole file.
    var bytes: [UInt8] {
        var bytes = header
        while bytes.count % alignment != 0 { bytes.append(0) }
        return bytes + data
    }
}
