/// Decompresses DEFLATE (RFC 1951) from a stream of pieces to a stream of pieces.
///
/// Memory is constant. Every fault of the input throws; none can read or write out of bounds.
package struct Inflate {
    package enum Fault: Error, Equatable {
        case truncated
        case badBlockType
        case badStoredLength
        case badCodeLengths
        case badSymbol
        case badDistance
    }

    /// Gives the next piece of the compressed stream; an empty one at its end.
    private let nextPiece: () throws -> [UInt8]
    /// Takes decompressed bytes, in order.
    private let emit: (UnsafeRawBufferPointer) throws -> Void

    private var piece: [UInt8] = []
    private var position = 0
    /// Bits read but not used yet, the next one lowest.
    private var bits: UInt64 = 0
    private var bitCount = 0
    /// The last 32 KiB written and what has not been emitted yet.
    private var window: [UInt8] = []
    private var emitted = 0

    private static let reach = 32_768
    private static let windowCapacity = 8 * reach

    /// Decompresses a whole stream.
    package static func decompress(
        from nextPiece: @escaping () throws -> [UInt8],
        to emit: @escaping (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        var inflate = Inflate(nextPiece: nextPiece, emit: emit)
        try inflate.run()
    }

    private init(
        nextPiece: @escaping () throws -> [UInt8],
        emit: @escaping (UnsafeRawBufferPointer) throws -> Void
    ) {
        self.nextPiece = nextPiece
        self.emit = emit
        window.reserveCapacity(Self.windowCapacity + 258)
    }

    private mutating func run() throws {
        var isLast = false
        while !isLast {
            isLast = try take(1) == 1
            switch try take(2) {
            case 0: try stored()
            case 1: try compressed(literals: HuffmanCode.fixedLiterals, distances: .fixedDistances)
            case 2:
                let (literals, distances) = try codes()
                try compressed(literals: literals, distances: distances)
            default: throw Fault.badBlockType
            }
        }
        try flush(keeping: 0)
    }

    // MARK: Bits

    /// Makes at least this many bits available, with zeros past the end of the input.
    ///
    /// A code may be shorter than the bits looked at, so missing ones are only an error when used.
    private mutating func fill(_ count: Int) throws {
        while bitCount < count {
            if position == piece.count {
                piece = try nextPiece()
                position = 0
                if piece.isEmpty { return }
            }
            bits |= UInt64(piece[position]) << UInt64(bitCount)
            position += 1
            bitCount += 8
        }
    }

    private mutating func drop(_ count: Int) throws {
        guard count <= bitCount else { throw Fault.truncated }
        bits >>= UInt64(count)
        bitCount -= count
    }

    private mutating func take(_ count: Int) throws -> Int {
        try fill(count)
        let value = Int(bits & (1 << UInt64(count) - 1))
        try drop(count)
        return value
    }

    private mutating func symbol(_ code: HuffmanCode) throws -> Int {
        try fill(HuffmanCode.longest)
        guard let (symbol, length) = code.decode(bits) else { throw Fault.badSymbol }
        try drop(length)
        return symbol
    }

    // MARK: Blocks

    private mutating func stored() throws {
        try drop(bitCount % 8)
        let length = try take(16)
        guard try take(16) == length ^ 0xFFFF else { throw Fault.badStoredLength }
        for _ in 0..<length { try append(UInt8(truncatingIfNeeded: try take(8))) }
    }

    /// Reads the two codes of a dynamic block, which are themselves compressed.
    private mutating func codes() throws -> (HuffmanCode, HuffmanCode) {
        let literalCount = try take(5) + 257
        let distanceCount = try take(5) + 1
        let lengthCount = try take(4) + 4
        guard literalCount <= 286, distanceCount <= 30 else { throw Fault.badCodeLengths }
        let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
        var lengthLengths = [UInt8](repeating: 0, count: 19)
        for index in order.prefix(lengthCount) {
            lengthLengths[index] = UInt8(truncatingIfNeeded: try take(3))
        }
        let lengthCode = try HuffmanCode(lengthLengths)
        var lengths: [UInt8] = []
        while lengths.count < literalCount + distanceCount {
            let symbol = try symbol(lengthCode)
            switch symbol {
            case 0...15: lengths.append(UInt8(truncatingIfNeeded: symbol))
            case 16:
                guard let last = lengths.last else { throw Fault.badCodeLengths }
                lengths += [UInt8](repeating: last, count: 3 + (try take(2)))
            case 17: lengths += [UInt8](repeating: 0, count: 3 + (try take(3)))
            default: lengths += [UInt8](repeating: 0, count: 11 + (try take(7)))
            }
        }
        guard lengths.count == literalCount + distanceCount, lengths[256] != 0 else {
            throw Fault.badCodeLengths
        }
        return (
            try HuffmanCode(Array(lengths[..<literalCount])),
            try HuffmanCode(Array(lengths[literalCount...]))
        )
    }

    private static let lengthBase: [Int] = [
        3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115,
        131, 163, 195, 227, 258,
    ]
    private static let lengthExtra: [Int] = [
        0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
    ]
    private static let distanceBase: [Int] = [
        1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537,
        2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577,
    ]
    private static let distanceExtra: [Int] = [
        0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12,
        13, 13,
    ]

    private mutating func compressed(literals: HuffmanCode, distances: HuffmanCode) throws {
        while true {
            let symbol = try symbol(literals)
            if symbol < 256 {
                try append(UInt8(truncatingIfNeeded: symbol))
                continue
            }
            guard symbol != 256 else { return }
            let row = symbol - 257
            guard row < Self.lengthBase.count else { throw Fault.badSymbol }
            let length = Self.lengthBase[row] + (try take(Self.lengthExtra[row]))
            let column = try self.symbol(distances)
            guard column < Self.distanceBase.count else { throw Fault.badSymbol }
            let distance = Self.distanceBase[column] + (try take(Self.distanceExtra[column]))
            guard distance <= window.count else { throw Fault.badDistance }
            // The source may run into what is being written: that repeats a short pattern.
            var from = window.count - distance
            for _ in 0..<length {
                window.append(window[from])
                from += 1
            }
            if window.count >= Self.windowCapacity { try flush(keeping: Self.reach) }
        }
    }

    // MARK: Output

    private mutating func append(_ byte: UInt8) throws {
        window.append(byte)
        if window.count >= Self.windowCapacity { try flush(keeping: Self.reach) }
    }

    private mutating func flush(keeping count: Int) throws {
        let (start, emit) = (emitted, emit)
        try window.withUnsafeBytes { try emit(UnsafeRawBufferPointer(rebasing: $0[start...])) }
        window.removeFirst(max(0, window.count - count))
        emitted = window.count
    }
}
