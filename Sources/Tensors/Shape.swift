/// The sizes of a tensor's dimensions, outermost first; at most four, held inline.
public struct Shape: Sendable, Hashable, CustomStringConvertible, ExpressibleByArrayLiteral {
    private var d0 = 1
    private var d1 = 1
    private var d2 = 1
    private var d3 = 1

    /// The number of dimensions; 0 for a scalar.
    public let rank: Int

    /// The most dimensions a shape can have.
    public static let maximumRank = 4

    /// Makes a shape of the given sizes.
    ///
    /// - Precondition: at most four sizes, none negative, their product an `Int`.
    public init(_ sizes: [Int]) {
        precondition(sizes.count <= Self.maximumRank, "a shape has at most 4 sizes, not \(sizes)")
        precondition(sizes.allSatisfy { $0 >= 0 }, "sizes must not be negative: \(sizes)")
        rank = sizes.count
        if rank > 0 { d0 = sizes[0] }
        if rank > 1 { d1 = sizes[1] }
        if rank > 2 { d2 = sizes[2] }
        if rank > 3 { d3 = sizes[3] }
    }

    public init(arrayLiteral sizes: Int...) {
        self.init(sizes)
    }

    public subscript(dimension: Int) -> Int {
        precondition(dimension >= 0 && dimension < rank, "\(self) has no dimension \(dimension)")
        return switch dimension {
        case 0: d0
        case 1: d1
        case 2: d2
        default: d3
        }
    }

    /// The sizes as an array.
    public var sizes: [Int] { (0..<rank).map { self[$0] } }

    /// The product of all sizes; 1 for a scalar.
    public var elementCount: Int { d0 * d1 * d2 * d3 }

    /// The size of the innermost dimension; 1 for a scalar.
    public var last: Int { rank == 0 ? 1 : self[rank - 1] }

    /// How many rows of `last` elements there are.
    public var rowCount: Int { last == 0 ? 0 : elementCount / last }

    public var description: String {
        "[" + sizes.map(String.init).joined(separator: ", ") + "]"
    }
}
