/// Distinct names in order, each found by its bytes in constant time.
///
/// Names are equal only if their UTF-8 is: Swift's own comparison takes "é" written as one scalar
/// and as two for the same, files do not.
package struct NameIndex: Sendable {
    package private(set) var names: [String] = []
    /// Open addressing: 0 is free, else the position plus one in the lower half and the hash in
    /// the upper; a power of two, at most half full. The hash spares reading the names.
    private var table: [UInt64] = []

    package init() {}

    package mutating func reserveCapacity(_ count: Int) {
        names.reserveCapacity(count)
        rebuildTable(for: count)
    }

    /// Appends a name; says false, and leaves everything as it is, where it is there already.
    package mutating func insert(_ name: String) -> Bool {
        if (names.count + 1) * 2 > table.count { rebuildTable(for: names.count * 2) }
        let hash = Self.hash(name)
        switch find(name, hash) {
        case .found: return false
        case .free(let slot):
            names.append(name)
            table[slot] = hash << 32 | UInt64(names.count)
            return true
        }
    }

    package func position(of name: String) -> Int? {
        guard !table.isEmpty, case .found(let position) = find(name, Self.hash(name)) else {
            return nil
        }
        return position
    }

    private enum Place {
        case found(Int)
        case free(slot: Int)
    }

    private func find(_ name: String, _ hash: UInt64) -> Place {
        let mask = table.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while table[slot] != 0 {
            let entry = table[slot]
            if entry >> 32 == hash {
                let position = Int(entry & 0xFFFF_FFFF) - 1
                if Self.areSame(names[position], name) { return .found(position) }
            }
            slot = (slot + 1) & mask
        }
        return .free(slot: slot)
    }

    private mutating func rebuildTable(for count: Int) {
        var size = 32
        while size < count * 2 { size *= 2 }
        guard size > table.count else { return }
        var larger = [UInt64](repeating: 0, count: size)
        for entry in table where entry != 0 {
            var slot = Int(entry >> 32) & (size - 1)
            while larger[slot] != 0 { slot = (slot + 1) & (size - 1) }
            larger[slot] = entry
        }
        table = larger
    }

    private static func areSame(_ a: String, _ b: String) -> Bool {
        a.utf8.count == b.utf8.count && a.utf8.elementsEqual(b.utf8)
    }

    /// 32 bits, seeded by the process, so that a file cannot be written to make names collide.
    private static func hash(_ name: String) -> UInt64 {
        var name = name
        return name.withUTF8 { bytes in
            var hasher = Hasher()
            hasher.combine(bytes: UnsafeRawBufferPointer(bytes))
            return UInt64(truncatingIfNeeded: hasher.finalize()) & 0xFFFF_FFFF
        }
    }
}
