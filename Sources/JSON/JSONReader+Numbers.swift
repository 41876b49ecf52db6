extension JSONReader {
    /// Reads a number: `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`.
    mutating func readNumber() throws(JSONError) -> Token {
        let start = offset
        var position = offset
        let isNegative = bytes[position] == UInt8(ascii: "-")
        if isNegative { position += 1 }

        // Up to 19 digits are kept exactly; whatever is longer goes through text.
        var magnitude: UInt64 = 0
        var digitCount = 0
        var isExact = true
        func takeDigit(_ digit: UInt8) {
            digitCount += 1
            if magnitude > (UInt64.max - 9) / 10 {
                isExact = false
            } else {
                magnitude = magnitude * 10 + UInt64(digit)
            }
        }

        let firstDigit = position
        while let digit = digit(at: position) {
            takeDigit(digit)
            position += 1
        }
        guard digitCount > 0 else { throw numberError(at: position, "a digit") }
        if bytes[firstDigit] == UInt8(ascii: "0"), digitCount > 1 {
            throw numberError(at: firstDigit, "no zero in front of other digits")
        }

        var isInteger = true
        var exponent = 0
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            isInteger = false
            position += 1
            let before = position
            while let digit = digit(at: position) {
                takeDigit(digit)
                position += 1
            }
            guard position > before else { throw numberError(at: position, "a digit") }
            exponent = before - position
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            position += 1
            var exponentIsNegative = false
            if position < bytes.count,
                bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-")
            {
                exponentIsNegative = bytes[position] == UInt8(ascii: "-")
                position += 1
            }
            let before = position
            var written = 0
            while let digit = digit(at: position) {
                written = min(written * 10 + Int(digit), 1_000_000)
                position += 1
            }
            guard position > before else { throw numberError(at: position, "a digit") }
            exponent += exponentIsNegative ? -written : written
        }
        advance(to: position)

        if isInteger, isExact {
            if !isNegative, let value = Int(exactly: magnitude) { return .integer(value) }
            if isNegative, magnitude <= UInt64(Int.max) + 1 {
                return .integer(Int(truncatingIfNeeded: 0 &- magnitude))
            }
        }
        // Exact by IEEE 754 alone: both operands are representable and one rounding is made.
        if isExact, magnitude <= 1 << 53, (-22...22).contains(exponent) {
            let scale = Self.powersOfTen[abs(exponent)]
            let value = exponent < 0 ? Double(magnitude) / scale : Double(magnitude) * scale
            return .number(isNegative ? -value : value)
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        guard let value = Double(text), value.isFinite else {
            throw error(.numberOutOfRange(String(text.prefix(40))), at: start)
        }
        return .number(value)
    }

    private static let powersOfTen: [Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
        1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ]

    private func digit(at position: Int) -> UInt8? {
        guard position < bytes.count else { return nil }
        let value = bytes[position] &- UInt8(ascii: "0")
        return value < 10 ? value : nil
    }

    private mutating func numberError(at position: Int, _ expected: String) -> JSONError {
        advance(to: position)
        return unexpected(expected)
    }
}
