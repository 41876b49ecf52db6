extension JSONValue {
    /// Writes the value as JSON text.
    ///
    /// Numbers have the fewest digits that read back as the same value, laid out as Python's `repr`
    /// does (`1.0`, `1e+16`, `1e-07`). NaN and infinities, which JSON lacks, become `null`.
    public func serialized(_ style: JSONStyle = .compact) -> String {
        String(decoding: serializedBytes(style), as: UTF8.self)
    }

    /// Writes the value as JSON text in UTF-8.
    public func serializedBytes(_ style: JSONStyle = .compact) -> [UInt8] {
        var writer = JSONWriter(style: style)
        writer.write(self)
        return writer.text
    }
}

/// Writes values depth first with a stack of its own, so that no nesting overflows the thread's.
private struct JSONWriter {
    /// A container whose end is not written yet.
    private struct Open {
        enum Rest {
            case elements(IndexingIterator<[JSONValue]>)
            case pairs(IndexingIterator<[(key: String, value: JSONValue)]>)
        }

        var rest: Rest
        var isEmpty = true
    }

    let style: JSONStyle
    var text: [UInt8] = []
    private var open: [Open] = []

    init(style: JSONStyle) {
        self.style = style
    }

    mutating func write(_ value: JSONValue) {
        begin(value)
        while let top = open.indices.last {
            switch open[top].rest {
            case .elements(var elements):
                guard let element = elements.next() else {
                    end("]")
                    continue
                }
                open[top].rest = .elements(elements)
                separate()
                begin(element)
            case .pairs(var pairs):
                guard let pair = pairs.next() else {
                    end("}")
                    continue
                }
                open[top].rest = .pairs(pairs)
                separate()
                write(string: pair.key)
                text.append(contentsOf: style.keySeparator.utf8)
                begin(pair.value)
            }
        }
    }

    /// Writes a scalar whole, or the opening of a container.
    private mutating func begin(_ value: JSONValue) {
        switch value {
        case .null: append("null")
        case .bool(let truth): append(truth ? "true" : "false")
        case .integer(let number): append("\(number)")
        case .number(let number): append(number.isFinite ? shortestText(of: number) : "null")
        case .string(let string): write(string: string)
        case .array(let elements):
            append("[")
            open.append(Open(rest: .elements(elements.makeIterator())))
        case .object(let object):
            append("{")
            open.append(Open(rest: .pairs(object.makeIterator())))
        }
    }

    /// Writes what stands before an element of the innermost container.
    private mutating func separate() {
        let top = open.count - 1
        if !open[top].isEmpty { append(style.itemSeparator) }
        open[top].isEmpty = false
        breakLine()
    }

    private mutating func end(_ bracket: String) {
        let wasEmpty = open.removeLast().isEmpty
        if !wasEmpty { breakLine() }
        append(bracket)
    }

    private mutating func breakLine() {
        guard let indentation = style.indentation else { return }
        append("\n")
        text.append(
            contentsOf: repeatElement(UInt8(ascii: " "), count: max(0, indentation) * open.count))
    }

    private mutating func append(_ string: String) {
        text.append(contentsOf: string.utf8)
    }

    private mutating func write(string: String) {
        append("\"")
        if style.escapesNonASCII {
            for unit in string.utf16 { writeASCII(unit: unit) }
        } else {
            for byte in string.utf8 {
                if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
                    text.append(byte)
                } else {
                    writeASCII(unit: UInt16(byte))
                }
            }
        }
        append("\"")
    }

    private mutating func writeASCII(unit: UInt16) {
        switch unit {
        case 0x22: append(#"\""#)
        case 0x5C: append(#"\\"#)
        case 0x08: append(#"\b"#)
        case 0x0C: append(#"\f"#)
        case 0x0A: append(#"\n"#)
        case 0x0D: append(#"\r"#)
        case 0x09: append(#"\t"#)
        case 0x20..<0x7F: text.append(UInt8(unit))
        case 0x7F where !style.escapesNonASCII: text.append(0x7F)
        default:
            let digits = String(unit, radix: 16)
            append(#"\u"# + String(repeating: "0", count: 4 - digits.count) + digits)
        }
    }
}

/// The fewest digits that read back as the same value, laid out as Python's `repr` does: an
/// exponent below 1e-4 and from 1e16, of two digits at least; a fraction always, if only ".0".
private func shortestText(of number: Double) -> String {
    // The standard library finds the digits; only where the point goes differs.
    let description = number.magnitude.description
    let parts = description.split(separator: "e")
    var digits = ""
    var pointPosition = 0
    var sawPoint = false
    for character in parts[0] {
        if character == "." {
            sawPoint = true
        } else {
            digits.append(character)
            if !sawPoint { pointPosition += 1 }
        }
    }
    if parts.count == 2 { pointPosition += Int(parts[1]) ?? 0 }
    while digits.hasPrefix("0"), digits.count > 1 {
        digits.removeFirst()
        pointPosition -= 1
    }
    while digits.hasSuffix("0"), digits.count > 1 { digits.removeLast() }

    let sign = number.sign == .minus ? "-" : ""
    if digits == "0" { return sign + "0.0" }
    let exponent = pointPosition - 1
    if exponent < -4 || exponent >= 16 {
        let fraction = digits.dropFirst()
        let size = abs(exponent)
        return sign + digits.prefix(1) + (fraction.isEmpty ? "" : "." + fraction) + "e"
            + (exponent < 0 ? "-" : "+") + (size < 10 ? "0" : "") + "\(size)"
    }
    if pointPosition <= 0 {
        return sign + "0." + String(repeating: "0", count: -pointPosition) + digits
    }
    if pointPosition >= digits.count {
        return sign + digits + String(repeating: "0", count: pointPosition - digits.count) + ".0"
    }
    return sign + digits.prefix(pointPosition) + "." + digits.dropFirst(pointPosition)
}
