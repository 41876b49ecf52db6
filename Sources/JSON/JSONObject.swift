/// The pairs of a JSON object, in order.
///
/// Keys are compared byte by byte, not by canonical equivalence as Swift strings are: in a
/// vocabulary, "é" written as one scalar and as two are different tokens.
///
/// Look-up takes constant time. Setting a new key appends it; removing one takes time linear in the
/// number of pairs.
public struct JSONObject: Sendable {
    private var pairs: [(key: String, value: JSONValue)] = []
    /// Open addressing over `pairs`: 0 is free, else 32 bits of the key's hash above the position
    /// plus one. Empty while the object is small enough to search through; otherwise the size is a
    /// power of two, at least twice the number of pairs.
    private var table: [UInt64] = []

    private static let largestSearchedThrough = 8

    /// Makes an empty object.
    public init() {}

    /// Makes an object of pairs; of equal keys the last value stays, at the place of the first.
    public init(_ pairs: [(String, JSONValue)]) {
        reserveCapacity(pairs.count)
        for (key, value) in pairs {
            self[key] = value
        }
    }

    /// The number of pairs.
    public var count: Int { pairs.count }

    /// Whether there are no pairs.
    public var isEmpty: Bool { pairs.isEmpty }

    /// The keys, in order.
    public var keys: [String] { pairs.map(\.key) }

    /// The values, in the order of their keys.
    public var values: [JSONValue] { pairs.map(\.value) }

    /// The value of a key; setting nil removes the pair.
    public subscript(key: String) -> JSONValue? {
        get {
            position(of: key).map { pairs[$0].value }
        }
        set {
            switch (position(of: key), newValue) {
            case (let position?, let value?):
                pairs[position].value = value
            case (let position?, nil):
                pairs.remove(at: position)
                rebuildTable()
            case (nil, let value?):
                append(key, value)
            case (nil, nil):
                break
            }
        }
    }

    mutating func reserveCapacity(_ count: Int) {
        pairs.reserveCapacity(count)
    }

    /// Appends a pair unless the key is there already; says whether it did.
    mutating func appendIfNew(_ key: String, _ value: JSONValue) -> Bool {
        guard !table.isEmpty else {
            guard position(of: key) == nil else { return false }
            append(key, value)
            return true
        }
        let hash = Self.hash(key)
        let slot = slot(of: key, hash: hash)
        guard table[slot] == 0 else { return false }
        pairs.append((key, value))
        fill(slot, hash: hash)
        return true
    }

    private mutating func append(_ key: String, _ value: JSONValue) {
        pairs.append((key, value))
        guard pairs.count > Self.largestSearchedThrough else { return }
        if table.isEmpty {
            rebuildTable()
        } else {
            let hash = Self.hash(key)
            fill(slot(of: key, hash: hash), hash: hash)
        }
    }

    private func position(of key: String) -> Int? {
        guard !table.isEmpty else {
            return pairs.firstIndex { Self.areSame($0.key, key) }
        }
        let entry = table[slot(of: key, hash: Self.hash(key))]
        return entry == 0 ? nil : Self.position(in: entry)
    }

    /// Where the table holds a key, or the free slot where it belongs.
    private func slot(of key: String, hash: UInt64) -> Int {
        let mask = table.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while table[slot] != 0 {
            let entry = table[slot]
            if entry >> 32 == hash >> 32, Self.areSame(pairs[Self.position(in: entry)].key, key) {
                break
            }
            slot = (slot + 1) & mask
        }
        return slot
    }

    private static func position(in entry: UInt64) -> Int {
        Int(entry & 0xFFFF_FFFF) - 1
    }

    private static func entry(_ hash: UInt64, position: Int) -> UInt64 {
        (hash & 0xFFFF_FFFF_0000_0000) | UInt64(position + 1)
    }

    /// Notes the last pair in a free slot, and makes room when the table is half full.
    private mutating func fill(_ slot: Int, hash: UInt64) {
        table[slot] = Self.entry(hash, position: pairs.count - 1)
        if pairs.count * 2 > table.count { rebuildTable() }
    }

    private mutating func rebuildTable() {
        guard pairs.count > Self.largestSearchedThrough else {
            table = []
            return
        }
        var size = 32
        while size < pairs.count * 4 { size *= 2 }
        table = Array(repeating: 0, count: size)
        for (position, pair) in pairs.enumerated() {
            let hash = Self.hash(pair.key)
            table[slot(of: pair.key, hash: hash)] = Self.entry(hash, position: position)
        }
    }

    private static func areSame(_ a: String, _ b: String) -> Bool {
        a.utf8.count == b.utf8.count && a.utf8.elementsEqual(b.utf8)
    }

    /// Seeded by the process, so that a file cannot be written to make keys collide.
    private static func hash(_ key: String) -> UInt64 {
        var hasher = Hasher()
        let combined: Void? = key.utf8.withContiguousStorageIfAvailable {
            hasher.combine(bytes: UnsafeRawBufferPointer($0))
        }
        if combined == nil {
            for byte in key.utf8 { hasher.combine(byte) }
        }
        return UInt64(truncatingIfNeeded: hasher.finalize())
    }
}

extension JSONObject: Sequence {
    public typealias Element = (key: String, value: JSONValue)

    public var underestimatedCount: Int { count }

    public func makeIterator() -> IndexingIterator<[(key: String, value: JSONValue)]> {
        pairs.makeIterator()
    }
}

extension JSONObject: Hashable {
    /// Whether both hold the same pairs in the same order.
    public static func == (a: JSONObject, b: JSONObject) -> Bool {
        a.count == b.count
            && zip(a.pairs, b.pairs).allSatisfy { areSame($0.key, $1.key) && $0.value == $1.value }
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(count)
        for (key, value) in pairs {
            hasher.combine(key)
            hasher.combine(value)
        }
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self.init(elements)
    }
}
