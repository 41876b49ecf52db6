import FathomKernels

/// Distance tables rounded to 8 bits, so that sums fit 16.
///
/// A distance is `sum / scale + base`, where a list's bias belongs to the sum. The scale is the
/// largest with which no entry exceeds 255 and no sum 65535.
struct QuantizedTable {
    /// a.
    private(set) var scale: Float = 0
    /// b.
    private(set) var base: Float = 0
    /// `[count, paddedPartCount, 16]`.
    private let entries: [UInt8]
    /// Bytes of a table.
    private let size: Int
    /// For each list what is added to its sums.
    private(set) var biases: [Int32] = []

    /// The smallest entry of each part of each table, and what they come to.
    private struct Spans {
        /// `[count, partCount]`.
        let smallest: [Float]
        /// `[count]`.
        let totals: [fk_table_span]

        init(_ tables: PartTables) {
            let (count, parts) = (tables.count, tables.partCount)
            var totals = [fk_table_span](repeating: fk_table_span(), count: count)
            smallest = [Float](unsafeUninitializedCapacity: count * parts) { smallest, size in
                tables.entries.withUnsafeBufferPointer { entries in
                    if let smallest = smallest.baseAddress, let entries = entries.baseAddress {
                        for table in 0..<count {
                            fk_table_spans_f32(
                                &totals[table], smallest + table * parts,
                                entries + table * parts * 16, parts)
                        }
                    }
                }
                size = count * parts
            }
            self.totals = totals
        }
    }

    /// One table for all lists.
    ///
    /// - Parameter distances: what lists add; empty for none.
    init(_ table: PartTables, distances: [Float] = []) {
        let spans = Spans(table)
        let lowest = distances.reduce(Float.infinity) { min($0, $1) }
        let highest = distances.reduce(-Float.infinity) { max($0, $1) }
        let total = spans.totals.first ?? fk_table_span()
        let widest = total.span + (distances.isEmpty ? 0 : highest - lowest)
        let scale = Self.scale(largest: total.largest, span: widest)
        (entries, size) = Self.rounded(table, spans, scale)
        self.scale = scale
        base = total.base + (distances.isEmpty ? 0 : lowest)
        biases = distances.map { Int32(Self.rounded(($0 - lowest) * scale, 65535)) }
    }

    /// A table for each list.
    ///
    /// - Parameter distances: of the lists' centroids where the entries leave them out; they widen
    ///   the span that the scale must allow for.
    init(_ tables: PartTables, eachWith distances: [Float]) {
        let spans = Spans(tables)
        let lowest = distances.reduce(Float.infinity) { min($0, $1) }
        var (widest, largest): (Float, Float) = (-.infinity, -.infinity)
        var base = Float.infinity
        for (list, total) in spans.totals.enumerated() {
            let span = total.span + (distances.isEmpty ? 0 : distances[list] - lowest)
            widest = max(widest, span)
            largest = max(largest, total.largest)
            base = min(base, total.base)
        }
        let scale = Self.scale(largest: largest, span: widest)
        (entries, size) = Self.rounded(tables, spans, scale)
        self.scale = scale
        self.base = spans.totals.isEmpty ? 0 : base
        biases = spans.totals.map { Int32(Self.rounded(($0.base - base) * scale, 65535)) }
    }

    private static func scale(largest: Float, span: Float) -> Float {
        let scale = min(
            largest > 0 ? 255 / largest : .infinity, span > 0 ? 65535 / span : .infinity)
        return scale.isFinite ? scale : 0
    }

    private static func rounded(
        _ tables: PartTables, _ spans: Spans, _ scale: Float
    ) -> (entries: [UInt8], size: Int) {
        let parts = tables.partCount
        let size = (parts + 1) / 2 * 32
        let entries = [UInt8](unsafeUninitializedCapacity: tables.count * size) { bytes, count in
            // Of an odd number of parts the last has a partner that adds nothing.
            if !parts.isMultiple(of: 2) { bytes.initialize(repeating: 0) }
            tables.entries.withUnsafeBufferPointer { entries in
                spans.smallest.withUnsafeBufferPointer { smallest in
                    if let bytes = bytes.baseAddress, let entries = entries.baseAddress,
                        let smallest = smallest.baseAddress
                    {
                        for table in 0..<tables.count {
                            fk_round_tables_u8(
                                bytes + table * size, entries + table * parts * 16,
                                smallest + table * parts, scale, parts)
                        }
                    }
                }
            }
            count = tables.count * size
        }
        return (entries, size)
    }

    /// Rounds half up; what is no number becomes 0.
    private static func rounded(_ value: Float, _ limit: Float) -> Float {
        let rounded = Float((Double(value) + 0.5).rounded(.down))
        return rounded > 0 ? min(rounded, limit) : 0
    }

    /// Lends the table of a list: `[paddedPartCount, 16]`.
    func withTable<Result>(
        list: Int, _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
    ) rethrows -> Result {
        try entries.withUnsafeBufferPointer { entries in
            let first = entries.count > size ? list * size : 0
            return try body(UnsafeBufferPointer(rebasing: entries[first..<first + size]))
        }
    }

    /// A sum whose distance, and that of all larger ones, is beyond a bound; sums count up.
    ///
    /// - Precondition: smaller distances are nearer.
    func sumBeyond(_ bound: Float) -> Int32 {
        guard scale > 0, bound < .greatestFiniteMagnitude else { return .max }
        // A distance is off by some units in its last place, a sum of it by as many times the scale.
        let rounding: Float = (abs(bound) + abs(base)) * scale * 0x1p-21
        let sum: Float = ((bound - base) * scale).rounded(.up) + 2 + rounding
        return sum < 0 ? 0 : sum < 0x1p30 ? Int32(sum) : .max
    }

    func distance(_ sum: Int32) -> Float {
        scale == 0 ? base : Float(sum) * (1 / scale) + base
    }
}
