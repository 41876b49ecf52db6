/// A 64-bit hash of bytes for the tables of this module.
///
/// Eight bytes at a time, folded by a 128-bit product. Seeded by the process, so that a vocabulary
/// file cannot be written to make its tokens collide.
enum ByteHash {
    private static let seed = UInt64.random(in: .min ... .max)
    private static let factor: UInt64 = 0x9E37_79B9_7F4A_7C15

    @inline(__always)
    static func mix(_ value: UInt64, _ other: UInt64) -> UInt64 {
        let product = (value ^ factor).multipliedFullWidth(by: other ^ 0xD6E8_FEB8_6659_FD93)
        return product.high ^ product.low
    }

    static func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
        let raw = UnsafeRawBufferPointer(bytes)
        var state = seed ^ UInt64(truncatingIfNeeded: bytes.count)
        var position = 0
        while position + 8 <= raw.count {
            state = mix(state, raw.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            position += 8
        }
        var tail: UInt64 = 0
        while position < raw.count {
            tail = tail << 8 | UInt64(raw[position])
            position += 1
        }
        return mix(state, tail)
    }

    static func hash(_ value: UInt64) -> UInt64 {
        mix(value, seed)
    }
}
