/// Finds which of a set of byte strings start at a place.
///
/// The edges are one table with open addressing, keyed by node and byte.
struct ByteTrie: Sendable {
    private static let free = UInt64.max

    /// Node above, byte, and the node below, packed: 32, 8 and 24 bits.
    private var edges: [UInt64] = Array(repeating: free, count: 64)
    private var edgeCount = 0
    /// The value of each node, or -1.
    private var values: [Int32] = [-1]

    private static let maximumNodes = 1 << 24

    var isEmpty: Bool { values.count == 1 }

    /// Adds a string; says whether there was room.
    mutating func insert(_ string: some Sequence<UInt8>, value: Int32) -> Bool {
        var node = 0
        for byte in string {
            if let next = child(of: node, byte) {
                node = next
                continue
            }
            guard values.count < Self.maximumNodes else { return false }
            if (edgeCount + 1) * 2 > edges.count { grow() }
            let next = values.count
            values.append(-1)
            insertEdge(UInt64(node) << 32 | UInt64(byte) << 24 | UInt64(next))
            edgeCount += 1
            node = next
        }
        values[node] = value
        return true
    }

    /// The node below another along a byte, or nil; the root is 0.
    @inline(__always)
    func child(of node: Int, _ byte: UInt8) -> Int? {
        let key = UInt64(node) << 8 | UInt64(byte)
        var slot = Int(truncatingIfNeeded: ByteHash.hash(key)) & (edges.count - 1)
        while true {
            let edge = edges[slot]
            if edge >> 24 == key { return Int(edge & 0xFF_FFFF) }
            if edge == Self.free { return nil }
            slot = (slot + 1) & (edges.count - 1)
        }
    }

    /// The value of a node, or -1.
    @inline(__always)
    func value(of node: Int) -> Int32 { values[node] }

    private mutating func insertEdge(_ edge: UInt64) {
        var slot = Int(truncatingIfNeeded: ByteHash.hash(edge >> 24)) & (edges.count - 1)
        while edges[slot] != Self.free { slot = (slot + 1) & (edges.count - 1) }
        edges[slot] = edge
    }

    private mutating func grow() {
        let old = edges
        edges = Array(repeating: Self.free, count: edges.count * 2)
        for edge in old where edge != Self.free { insertEdge(edge) }
    }
}
