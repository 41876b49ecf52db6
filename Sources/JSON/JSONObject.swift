/// The pairs of a JSON object, in order.
///
/// Keys are compared byte by byte, not by canonical equivalence as Swift strings are: in a
/// vocabulary, "é" written as one scalar and as two are different tokens.
///
/// Look-up takes constant time. Setting a new key appends it; removing one takes time linear in the
/// number of pairs.
public struct JSONObject: Sendable {
    private var pairs: [(key: String, value: JSONValue)] = []
    /// Open addressing over `pairs`: 0 is free, else the position plus one. Empty while the object
    /// is small enough to search through; otherwise a power of two, at most half full.
    private var table: [UInt32] = []

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
        guard position(of: key) == nil else { return false }
        append(key, value)
        return true
    }

    private mutating func append(_ key: String, _ value: JSONValue) {
        pairs.append((key, value))
        guard pairs.count > Self.largestSearchedThrough else { return }
        if pairs.count * 2 > table.count {
            rebuildTable()
        } else {
            insert(position: pairs.count - 1)
        }
    }

    private func position(of key: String) -> Int? {
        guard !table.isEmpty else {
            return pairs.firstIndex { Self.areSame($0.key, key) }
        }
        var slot = Self.hash(key) & (table.count - 1)
        while table[slot] != 0 {
            let position = Int(table[slot]) - 1
            if Self.areSame(pairs[position].key, key) { return position }
            slot = (slot + 1) & (table.count - 1)
        }
        return nil
    }

    private mutating func insert(position: Int) {
        var slot = Self.hash(pairs[position].key) & (table.count - 1)
        while table[slot] != 0 {
            slot = (slot + 1) & (table.count - 1)
        }
        table[slot] = UInt32(position + 1)
    }

    private mutating func rebuildTable() {
        guard pairs.count > Self.largestSearchedThrough else {
            table = []
            return
        }
        var size = 32
        while size < pairs.count * 4 { size *= 2 }
        table = Array(repeating: 0, count: size)
        for position in pairs.indices {
            insert(position: position)
        }
    }

    private static func areSame(_ a: String, _ b: String) -> Bool {
        a.utf8.count == b.utf8.count && a.utf8.elementsEqual(b.utf8)
    }

    /// Seeded by the process, so that a file cannot be written to make keys collide.
    private static func hash(_ key: String) -> Int {
        var hasher = Hasher()
        let combined: Void? = key.utf8.withContiguousStorageIfAvailable {
            hasher.combine(bytes: UnsafeRawBufferPointer($0))
        }
        if combined == nil {
            for byte in key.utf8 { hasher.combine(byte) }
        }
        return hasher.finalize()
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
