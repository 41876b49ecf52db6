public import FathomTensors

/// What one attention layer keeps of every position of a sequence.
///
/// A cache is what the attention says it is: the layer declares its row, and paging, sharing,
/// eviction and saving are written once, over rows.
public struct CacheRow: Sendable, Hashable {
    /// Bytes of one position, without padding.
    public let bytesPerPosition: Int

    /// Bytes of a page of `CacheLayout.pageLength` positions; a multiple of 64.
    public let pageBytes: Int

    public init(bytesPerPosition: Int, pageBytes: Int) {
        self.bytesPerPosition = bytesPerPosition
        self.pageBytes = pageBytes
    }

    /// The row of an attention's keys and values.
    public init(_ shape: AttentionShape, _ dtype: DType) {
        self.init(
            bytesPerPosition: shape.bytesPerPosition(dtype: dtype),
            pageBytes: shape.pageBytes(pageLength: CacheLayout.pageLength, dtype: dtype))
    }
}

/// The cache rows of a model, one or more a layer.
///
/// A page holds `pageLength` positions of all rows, one row after the other.
public struct CacheLayout: Sendable, Hashable {
    /// Positions in a page.
    public static let pageLength = 64

    public let rows: [CacheRow]

    /// Where each row's part of a page begins, in bytes.
    public let rowOffsets: [Int]

    /// Bytes of a page.
    public let pageBytes: Int

    public init(rows: [CacheRow]) {
        self.rows = rows
        var offset = 0
        rowOffsets = rows.map { row in
            defer { offset += row.pageBytes }
            return offset
        }
        pageBytes = offset
    }

    /// Bytes that one position takes in all rows.
    public var bytesPerPosition: Int { rows.reduce(0) { $0 + $1.bytesPerPosition } }
}

/// The cache of one sequence as attention layers see it: a list of pages.
///
/// Whoever runs the model makes room before a pass, and counts the new positions as stored after
/// it.
public protocol SequenceCache: AnyObject {
    /// Positions stored; the next pass writes from here.
    var count: Int { get }

    /// The first bytes of the pages, in the order of their positions; valid during a pass.
    var pages: UnsafePointer<UnsafeMutableRawPointer?> { get }

    /// What the model keeps of the sequence besides rows; `nil` before its first pass, and for
    /// models that keep nothing.
    var memory: SequenceMemory? { get set }
}
