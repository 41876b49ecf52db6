import FathomTensors

/// Rows as `.fvecs` and `.ivecs` files have them: for each its width as i32 and that many elements of
/// four bytes, all of one width.
enum CountedRows {
    /// - Parameter noun: what the elements of a row are called in errors.
    static func read<Element: BitwiseCopyable>(
        _ path: String, of type: Element.Type, noun: String
    ) throws -> (values: [Element], width: Int) {
        precondition(MemoryLayout<Element>.stride == 4, "elements of four bytes")
        return try MappedFile.read(path) { bytes in
            guard bytes.count >= 4 else { throw ToolError("\(path): holds no \(noun)") }
            let width = Int(bytes.loadUnaligned(as: Int32.self))
            let stride = 4 + 4 * width
            guard (1...1_000_000).contains(width), bytes.count.isMultiple(of: stride) else {
                throw ToolError(
                    "\(path): \(bytes.count) bytes are no whole number of rows of \(width) "
                        + "\(noun); is the file cut short, or of another format?")
            }
            let rowCount = bytes.count / stride
            for row in 0..<rowCount {
                let found = bytes.loadUnaligned(fromByteOffset: row * stride, as: Int32.self)
                guard found == width else {
                    throw ToolError(
                        "\(path): the row at byte \(row * stride) has \(found) \(noun); the first "
                            + "has \(width)")
                }
            }
            let values = [Element](unsafeUninitializedCapacity: rowCount * width) {
                buffer, count in
                let target = UnsafeMutableRawBufferPointer(buffer)
                for row in 0..<rowCount {
                    let start = row * stride + 4
                    UnsafeMutableRawBufferPointer(
                        rebasing: target[row * width * 4..<(row + 1) * width * 4]
                    ).copyMemory(
                        from: UnsafeRawBufferPointer(rebasing: bytes[start..<start + width * 4]))
                }
                count = rowCount * width
            }
            return (values, width)
        }
    }
}

extension MappedFile {
    /// What a closure makes of a file's bytes, if the file was whole until the end.
    static func read<Result>(
        _ path: String, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        let file = try MappedFile(path: path)
        let result = try file.withBytes(body)
        try file.checkIntact()
        return result
    }
}
