/// Where the codes of vectors are among bytes: one after the other, or interleaved in blocks.
///
/// Codes come and go as rows: bytes of one size. A row of a block is the numbers of the parts, four
/// bits each and the first one lowest, then what is stored behind the block.
enum CodeLayout: Sendable {
    case rows(size: Int)
    case blocks(FastScanBlocks)

    /// Bytes of a row.
    var rowSize: Int {
        switch self {
        case .rows(let size): size
        case .blocks(let blocks): (blocks.partCount + 1) / 2 + blocks.extraBytes
        }
    }

    /// Bytes of so many vectors.
    func byteCount(_ count: Int) -> Int {
        switch self {
        case .rows(let size): count * size
        case .blocks(let blocks): (count + blocks.rows - 1) / blocks.rows * blocks.stride
        }
    }

    /// One row.
    func row(_ row: Int, of codes: UnsafeRawBufferPointer) -> [UInt8] {
        switch self {
        case .rows(let size):
            return Array(codes[row * size..<(row + 1) * size])
        case .blocks(let blocks):
            guard let base = codes.baseAddress else { return [] }
            var code = [UInt8](repeating: 0, count: rowSize)
            for part in 0..<blocks.partCount {
                let number = UInt8(blocks.number(base, row: row, part: part))
                code[part / 2] |= part.isMultiple(of: 2) ? number : number << 4
            }
            let extra = blocks.extra(base, row: row)
            let start = rowSize - blocks.extraBytes
            for i in 0..<blocks.extraBytes {
                code[start + i] = extra.load(fromByteOffset: i, as: UInt8.self)
            }
            return code
        }
    }

    /// Adds rows behind `count` that are there.
    func append(_ rows: ArraySlice<UInt8>, to codes: inout [UInt8], count: Int) {
        guard case .blocks = self else {
            codes += rows
            return
        }
        let added = rowSize > 0 ? rows.count / rowSize : 0
        codes += repeatElement(0, count: byteCount(count + added) - codes.count)
        for i in 0..<added {
            let start = rows.startIndex + i * rowSize
            write(rows[start..<start + rowSize], row: count + i, of: &codes)
        }
    }

    /// Puts a row in the place of another.
    func write(_ code: ArraySlice<UInt8>, row: Int, of codes: inout [UInt8]) {
        switch self {
        case .rows(let size):
            codes.replaceSubrange(row * size..<(row + 1) * size, with: code)
        case .blocks(let blocks):
            for part in 0..<blocks.partCount {
                let byte = code[code.startIndex + part / 2]
                let number = part.isMultiple(of: 2) ? byte & 15 : byte >> 4
                let (offset, isLow) = blocks.place(row: row, part: part)
                codes[offset] =
                    isLow ? codes[offset] & 0xF0 | number : codes[offset] & 15 | number << 4
            }
            let start = row / blocks.rows * blocks.stride + blocks.packedSize
            let source = code.endIndex - blocks.extraBytes
            for i in 0..<blocks.extraBytes {
                codes[start + row % blocks.rows * blocks.extraBytes + i] = code[source + i]
            }
        }
    }

    /// Copies a row to another place.
    func copy(_ source: Int, to target: Int, of codes: inout [UInt8]) {
        guard source != target else { return }
        if case .rows(let size) = self {
            codes.withUnsafeMutableBytes { bytes in
                guard let base = bytes.baseAddress else { return }
                (base + target * size).copyMemory(from: base + source * size, byteCount: size)
            }
            return
        }
        let code = codes.withUnsafeBytes { row(source, of: $0) }
        write(code[...], row: target, of: &codes)
    }

    /// Takes away the rows from `count` on; what blocks have beyond is zero again.
    func truncate(_ codes: inout [UInt8], to count: Int, from old: Int) {
        codes.removeLast(codes.count - byteCount(count))
        guard case .blocks(let blocks) = self else { return }
        let end = min(old, (count + blocks.rows - 1) / blocks.rows * blocks.rows)
        let nothing = [UInt8](repeating: 0, count: rowSize)
        for row in stride(from: count, to: end, by: 1) {
            write(nothing[...], row: row, of: &codes)
        }
    }

    /// All rows, one after the other.
    func rows(of codes: Storage<UInt8>, count: Int) -> [UInt8] {
        guard case .blocks = self else { return codes.array }
        return codes.withUnsafeBytes { bytes in (0..<count).flatMap { row($0, of: bytes) } }
    }
}
