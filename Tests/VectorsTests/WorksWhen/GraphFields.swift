import Testing

/// The fields of a graph's file, read by this alone: what stands there, not what was meant.
struct GraphFields {
    private let bytes: [UInt8]
    private var offset = 0

    /// Where each level's links begin among a vector's: 0, 2M, 3M …
    private(set) var levelStarts: [Int32] = []
    /// On how many levels each vector is.
    private(set) var levels: [Int32] = []
    private(set) var offsets: [UInt64] = []
    private(set) var neighbors: [Int32] = []
    private(set) var entryPoint: Int32 = 0
    private(set) var maximumLevel: Int32 = 0

    /// Reads the file of an index `IHNf`.
    init(_ bytes: [UInt8]) throws {
        self.bytes = bytes
        try #require(bytes.prefix(4) == Array("IHNf".utf8)[...])
        offset = 4 + 33
        _ = try values(of: Double.self)
        levelStarts = try values(of: Int32.self)
        levels = try values(of: Int32.self)
        offsets = try values(of: UInt64.self)
        neighbors = try values(of: Int32.self)
        entryPoint = try value(of: Int32.self)
        maximumLevel = try value(of: Int32.self)
    }

    private mutating func value<Value: BitwiseCopyable>(of type: Value.Type) throws -> Value {
        let size = MemoryLayout<Value>.size
        try #require(offset + size <= bytes.count)
        defer { offset += size }
        return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: type) }
    }

    private mutating func values<Value: BitwiseCopyable>(of type: Value.Type) throws -> [Value] {
        let count = Int(try value(of: UInt64.self))
        return try (0..<count).map { _ in try value(of: type) }
    }

    /// The places of a vector's links on a level.
    func places(_ node: Int, _ level: Int) -> ArraySlice<Int32> {
        let start = Int(offsets[node])
        return neighbors[
            start + Int(levelStarts[level])..<start + Int(levelStarts[level + 1])]
    }
}
