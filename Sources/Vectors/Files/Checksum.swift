/// A checksum of 64 bits: XXH64 of the bytes that were added, with seed 0.
///
/// Source: Collet, "xxHash fast digest algorithm", specification 0.1.1.
struct Checksum {
    private static let primes: [UInt64] = [
        0x9E37_79B1_85EB_CA87, 0xC2B2_AE3D_27D4_EB4F, 0x1656_67B1_9E37_79F9,
        0x85EB_CA77_C2B2_AE63, 0x27D4_EB2F_1656_67C5,
    ]

    private var lanes: (UInt64, UInt64, UInt64, UInt64)
    private var byteCount: UInt64 = 0
    /// What does not fill a stripe of 32 bytes yet.
    private var rest: [UInt8] = []

    init() {
        let (first, second) = (Self.primes[0], Self.primes[1])
        lanes = (first &+ second, second, 0, 0 &- first)
    }

    /// The checksum of some bytes.
    static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var checksum = Checksum()
        checksum.add(bytes)
        return checksum.value
    }

    private static func rotated(_ value: UInt64, _ count: UInt64) -> UInt64 {
        value << count | value >> (64 - count)
    }

    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        byteCount += UInt64(bytes.count)
        var start = 0
        if !rest.isEmpty {
            start = min(32 - rest.count, bytes.count)
            rest += bytes[..<start]
            guard rest.count == 32 else { return }
            let stripe = rest
            stripe.withUnsafeBytes { addStripes($0) }
            rest.removeAll()
        }
        let end = start + (bytes.count - start) / 32 * 32
        addStripes(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
        rest += bytes[end...]
    }

    private mutating func addStripes(_ bytes: UnsafeRawBufferPointer) {
        let (first, second) = (Self.primes[0], Self.primes[1])
        var (a, b, c, d) = lanes
        func round(_ lane: UInt64, _ place: Int) -> UInt64 {
            let word = UInt64(
                littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
            return Self.rotated(lane &+ word &* second, 31) &* first
        }
        for place in stride(from: 0, to: bytes.count, by: 32) {
            a = round(a, place)
            b = round(b, place + 8)
            c = round(c, place + 16)
            d = round(d, place + 24)
        }
        lanes = (a, b, c, d)
    }

    /// The checksum of what was added so far.
    var value: UInt64 {
        let primes = Self.primes
        var sum: UInt64
        if byteCount >= 32 {
            let (a, b, c, d) = lanes
            sum =
                Self.rotated(a, 1) &+ Self.rotated(b, 7) &+ Self.rotated(c, 12)
                &+ Self.rotated(d, 18)
            for lane in [a, b, c, d] {
                let mixed = Self.rotated(lane &* primes[1], 31) &* primes[0]
                sum = (sum ^ mixed) &* primes[0] &+ primes[3]
            }
        } else {
            sum = primes[4]
        }
        sum &+= byteCount
        var place = 0
        while place + 8 <= rest.count {
            let word = (0..<8).reduce(UInt64(0)) { $0 | UInt64(rest[place + $1]) << UInt64(8 * $1) }
            let mixed = Self.rotated(word &* primes[1], 31) &* primes[0]
            sum = Self.rotated(sum ^ mixed, 27) &* primes[0] &+ primes[3]
            place += 8
        }
        if place + 4 <= rest.count {
            let word = (0..<4).reduce(UInt64(0)) { $0 | UInt64(rest[place + $1]) << UInt64(8 * $1) }
            sum = Self.rotated(sum ^ word &* primes[0], 23) &* primes[1] &+ primes[2]
            place += 4
        }
        for byte in rest[place...] {
            sum = Self.rotated(sum ^ UInt64(byte) &* primes[4], 11) &* primes[0]
        }
        sum = (sum ^ sum >> 33) &* primes[1]
        sum = (sum ^ sum >> 29) &* primes[2]
        return sum ^ sum >> 32
    }
}
