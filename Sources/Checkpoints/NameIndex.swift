/// Distinct names in order, each found by its bytes in constant time.
///
/// Names are equal only if their UTF-8 is: Swift's own comparison takes "é" written as one scalar
/// and as two for the same, files do not.
package struct NameIndex: Sendable {
    package private(set) var names: [String] = []
    /// Open addressing: 0 is free, else the position plus one; a power of two, at most half full.
    private var table: [UInt32] = []

    package init() {}

    package mutating func reserveCapacity(_ count: Int) {
        names.reserveCapacity(count)
        rebuildTable(for: count)
    }

    /// Appends a name; says false, and leaves everything as it is, where it is there already.
    package mutating func insert(_ name: String) -> Bool {
        if (names.count + 1) * 2 > table.count { rebuildTable(for: names.count * 2) }
        var slot = Self.hash(name) & (table.count - 1)
        while table[slot] != 0 {
            if Self.areSame(names[Int(table[slot]) - 1], name) { return false }
            slot = (slot + 1) & (table.count - 1)
        }
        names.append(name)
        table[slot] = UInt32(truncatingIfNeeded: names.count)
        return true
    }

    package func position(of name: String) -> Int? {
        guard !table.isEmpty else { return nil }
        var slot = Self.hash(name) & (table.count - 1)
        while table[slot] != 0 {
            let position = Int(table[slot]) - 1
            if Self.areSame(names[position], name) { return position }
            slot = (slot + 1) & (table.count - 1)
        }
        return nil
    }

    private mutating func rebuildTable(for count: Int) {
        var size = 32
        while size < count * 2 { size *= 2 }
        guard size > table.count else { return }
        table = Array(repeating: 0, count: size)
        for (position, name) in names.enumerated() {
            var slot = Self.hash(name) & (size - 1)
            while table[slot] != 0 { slot = (slot + 1) & (size - 1) }
            table[slot] = UInt32(truncatingIfNeeded: position + 1)
        }
    }

    private static func areSame(_ a: String, _ b: String) -> Bool {
        a.utf8.count == b.utf8.count && a.utf8.elementsEqual(b.utf8)
    }

    /// Seeded by the process, so that a file cannot be written to make names collide.
    private static func hash(_ name: String) -> Int {
        var name = name
        return name.withUTF8 { bytes in
            var hasher = Hasher()
            hasher.combine(bytes: UnsafeRawBufferPointer(bytes))
            return hasher.finalize()
        }
    }
}
