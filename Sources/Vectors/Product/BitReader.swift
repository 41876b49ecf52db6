/// Reads numbers of any width from bytes, least significant bits first.
struct BitReader {
    private let bytes: UnsafeRawPointer
    private let byteCount: Int
    private(set) var position = 0

    init(_ bytes: UnsafeRawPointer, byteCount: Int) {
        self.bytes = bytes
        self.byteCount = byteCount
    }

    /// The next number of `width` bits, at most 64; bits beyond the end are zero.
    mutating func read(_ width: Int) -> UInt64 {
        var value: UInt64 = 0
        var filled = 0
        while filled < width {
            let byte = position >> 3
            let shift = position & 7
            let take = min(8 - shift, width - filled)
            let bits: UInt64 =
                byte < byteCount
                ? UInt64(bytes.load(fromByteOffset: byte, as: UInt8.self)) >> UInt64(shift) : 0
            value |= (bits & ((1 << UInt64(take)) - 1)) << UInt64(filled)
            filled += take
            position += take
        }
        return value
    }
}

/// Writes numbers of any width, least significant bits first.
struct BitWriter {
    private(set) var bytes: [UInt8]
    private var position = 0

    init(byteCount: Int) { bytes = Array(repeating: 0, count: byteCount) }

    mutating func write(_ value: UInt64, _ width: Int) {
        for bit in 0..<width {
            if value >> UInt64(bit) & 1 != 0 {
                bytes[position >> 3] |= 1 << UInt8(position & 7)
            }
            position += 1
        }
    }
}

extension [UInt8] {
    /// Bits, eight to a byte, the first one lowest.
    ///
    /// - Parameter byteCount: enough for the bits; what is left over is zero.
    init(bitCount: Int, byteCount: Int, where isSet: (Int) -> Bool) {
        self.init(repeating: 0, count: byteCount)
        for bit in 0..<bitCount where isSet(bit) { self[bit / 8] |= 1 << UInt8(bit % 8) }
    }
}
