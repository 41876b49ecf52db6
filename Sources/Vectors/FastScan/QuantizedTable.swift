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
    /// For each list, or once: `[paddedPartCount, 16]`.
    private(set) var tables: [[UInt8]] = []
    /// For each list what is added to its sums.
    private(set) var biases: [Int32] = []

    /// The smallest entry of a part and the span of all of them; what is no number is passed over.
    private struct Part {
        var minimum = Float.infinity
        var span: Float

        init(_ entries: ArraySlice<Float>) {
            var maximum = -Float.infinity
            for entry in entries {
                if entry < minimum { minimum = entry }
                if entry > maximum { maximum = entry }
            }
            span = maximum - minimum
        }
    }

    private static func parts(_ table: [Float]) -> [Part] {
        stride(from: 0, to: table.count, by: 16).map { Part(table[$0..<$0 + 16]) }
    }

    /// One table for all lists.
    ///
    /// - Parameters:
    ///   - table: `[partCount, 16]`.
    ///   - distances: what lists add; empty for none.
    init(_ table: [Float], distances: [Float] = []) {
        let parts = Self.parts(table)
        let lowest = distances.reduce(Float.infinity) { min($0, $1) }
        let highest = distances.reduce(-Float.infinity) { max($0, $1) }
        var span = distances.isEmpty ? 0 : highest - lowest
        for part in parts {
            span += part.span
            base += part.minimum
        }
        setScale(parts, span)
        if !distances.isEmpty { base += lowest }
        tables = [rounded(table, parts)]
        biases = distances.map { Int32(Self.rounded(($0 - lowest) * scale, 65535)) }
    }

    /// A table for each list.
    ///
    /// - Parameter distances: of the lists' centroids where the entries leave them out; they widen
    ///   the span that the scale must allow for.
    init(_ tables: [[Float]], distances: [Float]) {
        let lists = tables.map(Self.parts)
        let sums = lists.map { $0.reduce(0) { $0 + $1.minimum } }
        let lowest = distances.reduce(Float.infinity) { min($0, $1) }
        let spans = lists.enumerated().map { list, parts in
            parts.reduce(distances.isEmpty ? 0 : distances[list] - lowest) { $0 + $1.span }
        }
        setScale(lists.flatMap { $0 }, spans.max() ?? 0)
        base = sums.min() ?? 0
        self.tables = zip(tables, lists).map { rounded($0, $1) }
        biases = sums.map { Int32(Self.rounded(($0 - base) * scale, 65535)) }
    }

    private mutating func setScale(_ parts: [Part], _ span: Float) {
        let largest = parts.reduce(-Float.infinity) { max($0, $1.span) }
        scale = min(
            largest > 0 ? 255 / largest : .infinity, span > 0 ? 65535 / span : .infinity)
        if !scale.isFinite { scale = 0 }
    }

    private func rounded(_ table: [Float], _ parts: [Part]) -> [UInt8] {
        let size = (parts.count + 1) / 2 * 32
        return [UInt8](unsafeUninitializedCapacity: size) { bytes, count in
            // Of an odd number of parts the last has a partner that adds nothing.
            bytes.initialize(repeating: 0)
            fk_round_tables_u8(
                bytes.baseAddress, table, parts.map(\.minimum), scale, parts.count)
            count = size
        }
    }

    /// Rounds half up; what is no number becomes 0.
    private static func rounded(_ value: Float, _ limit: Float) -> Float {
        let rounded = Float((Double(value) + 0.5).rounded(.down))
        return rounded > 0 ? min(rounded, limit) : 0
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
