extension TemplateText {
    /// Whether the byte begins a code point.
    @inline(__always)
    private static func begins(_ byte: UInt8) -> Bool { byte & 0xC0 != 0x80 }

    /// The number of code points.
    var scalarCount: Int {
        var count = 0
        for byte in bytes where Self.begins(byte) { count += 1 }
        return count
    }

    /// Where each code point begins, and where the last one ends.
    var scalarOffsets: [Int] {
        var offsets: [Int] = []
        offsets.reserveCapacity(bytes.count + 1)
        for index in bytes.indices where Self.begins(bytes[index]) { offsets.append(index) }
        offsets.append(bytes.count)
        return offsets
    }

    /// The byte offset of a code point; the end for positions beyond it.
    func offset(ofScalar position: Int) -> Int {
        guard position > 0 else { return 0 }
        var remaining = position
        for index in bytes.indices where Self.begins(bytes[index]) {
            if remaining == 0 { return index }
            remaining -= 1
        }
        return bytes.count
    }

    /// How many code points begin before a byte offset.
    func scalarPosition(ofOffset offset: Int) -> Int {
        var count = 0
        for index in 0..<min(offset, bytes.count) where Self.begins(bytes[index]) { count += 1 }
        return count
    }

    /// The code points.
    var scalars: [Unicode.Scalar] {
        Array(string.unicodeScalars)
    }

    /// The code points as texts of their own.
    var characters: [TemplateText] {
        let offsets = scalarOffsets
        return (0..<offsets.count - 1).map { self[offsets[$0]..<offsets[$0 + 1]] }
    }

    /// Decodes the code point that begins at an offset; gives it with its length in bytes.
    static func decode(_ bytes: [UInt8], at offset: Int) -> (scalar: Unicode.Scalar, length: Int) {
        let first = bytes[offset]
        if first < 0x80 { return (Unicode.Scalar(first), 1) }
        let length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
        var value = UInt32(first) & (0x7F >> UInt32(length))
        for index in offset + 1..<min(offset + length, bytes.count) {
            value = value << 6 | UInt32(bytes[index] & 0x3F)
        }
        return (Unicode.Scalar(value) ?? "\u{FFFD}", length)
    }

    /// Decodes the code point that ends before an offset; gives it with its length in bytes.
    static func decode(
        _ bytes: [UInt8], before offset: Int
    ) -> (scalar: Unicode.Scalar, length: Int) {
        var start = offset - 1
        while start > 0, !begins(bytes[start]) { start -= 1 }
        return decode(bytes, at: start)
    }
}

extension Unicode.Scalar {
    /// Whether Python's `str.isspace` and the `\s` of its regular expressions count it as space.
    var isTemplateSpace: Bool {
        switch value {
        case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F,
            0x205F, 0x3000:
            true
        default: false
        }
    }

    /// Whether `str.splitlines` ends a line at it.
    var isTemplateLineEnd: Bool {
        switch value {
        case 0x0A...0x0D, 0x1C...0x1E, 0x85, 0x2028, 0x2029: true
        default: false
        }
    }
}
