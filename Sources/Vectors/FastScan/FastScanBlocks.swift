import FathomKernels

/// Codes of 4 bits, interleaved so that one instruction looks up a part of many vectors.
///
/// A block holds `rows` vectors, in groups of 32. For each pair of parts (s, s + 1) it has 32 bytes
/// a group: byte j < 16 holds part s of vector p(j) in its low and of vector p(j) + 16 in its high
/// half, where p = 0 8 1 9 2 10 … 7 15; bytes 16…31 hold part s + 1 likewise. What else is stored
/// of a vector follows behind the codes of the block.
///
/// Source: André, Kermarrec, Le Scouarnec, "Cache locality is not enough", 2015; layout of Faiss.
package struct FastScanBlocks: Sendable {
    /// M.
    package let partCount: Int
    /// Vectors of a block.
    package let rows: Int
    /// Bytes behind the codes, a vector.
    package let extraBytes: Int

    /// M rounded up to even.
    package var paddedPartCount: Int { (partCount + 1) / 2 * 2 }
    /// Bytes of a block's codes.
    package var packedSize: Int { rows * paddedPartCount / 2 }
    /// Bytes of a block.
    package var stride: Int { packedSize + rows * extraBytes }

    package init(partCount: Int, rows: Int, extraBytes: Int = 0) {
        self.partCount = partCount
        self.rows = rows
        self.extraBytes = extraBytes
    }

    /// Checks what a file says of blocks.
    static func rows(_ reader: inout IndexReader) throws(IndexFileError) -> Int {
        let rows = try reader.int32("bbs", in: 32...1 << 16)
        try reader.require(
            rows.isMultiple(of: 32), "bbs", found: rows, expected: "a multiple of 32")
        return rows
    }

    /// Bytes of blocks that hold a number of vectors.
    func byteCount(
        _ count: Int, _ reader: IndexReader
    ) throws(IndexFileError) -> Int {
        let blocks = count / rows + (count % rows > 0 ? 1 : 0)
        return try reader.product("codes", blocks, stride)
    }

    /// The byte that holds a vector's number in a part, and whether in its low half.
    func place(row: Int, part: Int) -> (offset: Int, isLow: Bool) {
        let place = row % rows
        let vector = place % 16
        let byte = vector < 8 ? 2 * vector : 2 * (vector - 8) + 1
        let offset =
            row / rows * stride + part / 2 * rows + place / 32 * 32 + part % 2 * 16 + byte
        return (offset, place % 32 < 16)
    }

    /// The number that a vector has in a part.
    package func number(_ codes: UnsafeRawPointer, row: Int, part: Int) -> Int {
        let (offset, isLow) = place(row: row, part: part)
        let value = codes.load(fromByteOffset: offset, as: UInt8.self)
        return Int(isLow ? value & 15 : value >> 4)
    }

    /// What is stored of a vector behind the codes.
    package func extra(_ codes: UnsafeRawPointer, row: Int) -> UnsafeRawPointer {
        codes + row / rows * stride + packedSize + row % rows * extraBytes
    }

    /// Vectors that are looked at between two questions for the bound.
    private static let step = 256

    /// Calls a closure with the sum of the table's entries for each vector.
    ///
    /// - Parameters:
    ///   - table: `[paddedPartCount, 16]`.
    ///   - scale: of the last two of the `partCount` parts.
    ///   - beyond: asked before each 256 vectors; sums from it on are passed over.
    package func forEachSum(
        _ codes: UnsafeRawPointer, count: Int, table: UnsafeBufferPointer<UInt8>,
        scale: Int32 = 1, beyond: () -> Int32 = { .max }, _ body: (Int, Int32) -> Void
    ) {
        precondition(table.count == paddedPartCount * 16, "a table of another shape")
        guard let entries = table.baseAddress else { return }
        var blocks = fk_code_blocks(
            codes: codes.assumingMemoryBound(to: UInt8.self), rows: rows, stride: stride,
            parts: paddedPartCount)
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: 2 * Self.step) { places in
            guard let vectors = places.baseAddress else { return }
            (vectors + Self.step).withMemoryRebound(to: UInt32.self, capacity: Self.step) { sums in
                var hits = fk_block_hits(vectors: vectors, sums: sums, count: 0)
                for first in Swift.stride(from: 0, to: count, by: Self.step) {
                    fk_block_hits_u4(
                        &hits, &blocks, entries, UInt64(max(0, beyond())), first,
                        min(count, first + Self.step))
                    for hit in 0..<hits.count {
                        let vector = Int(vectors[hit])
                        var sum = Int32(sums[hit])
                        if scale != 1 {
                            // The last two parts count `scale` times: add what is missing.
                            for part in partCount - 2..<partCount {
                                let entry = entries[
                                    part * 16 + number(codes, row: vector, part: part)]
                                sum += Int32(entry) * (scale - 1)
                            }
                        }
                        body(vector, sum)
                    }
                }
            }
        }
    }
}
