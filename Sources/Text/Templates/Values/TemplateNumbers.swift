#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#endif

/// Numbers as text, and text as numbers, by the rules of Python.
enum TemplateNumbers {
    /// The shortest digits that read back as the same number, as `repr` of Python lays them out.
    static func text(_ value: Double) -> String {
        if value.isNaN { return "nan" }
        if value.isInfinite { return value < 0 ? "-inf" : "inf" }
        if value == 0 { return value.sign == .minus ? "-0.0" : "0.0" }
        let (digits, exponent) = shortest(value.magnitude)
        let sign = value < 0 ? "-" : ""
        let count = digits.utf8.count
        if exponent < -4 || exponent >= 16 {
            let fraction = count > 1 ? "." + digits.dropFirst() : ""
            let magnitude = exponent.magnitude
            return "\(sign)\(digits.prefix(1))\(fraction)e\(exponent < 0 ? "-" : "+")"
                + (magnitude < 10 ? "0" : "") + "\(magnitude)"
        }
        if exponent < 0 {
            return "\(sign)0." + String(repeating: "0", count: -exponent - 1) + digits
        }
        if count <= exponent + 1 {
            return sign + digits + String(repeating: "0", count: exponent + 1 - count) + ".0"
        }
        return "\(sign)\(digits.prefix(exponent + 1)).\(digits.dropFirst(exponent + 1))"
    }

    /// The shortest digits of a positive number, without zeros at the ends, and the power of ten of
    /// the first one.
    private static func shortest(_ value: Double) -> (digits: String, exponent: Int) {
        // Swift prints the same digits in a layout of its own.
        var mantissa = value.description[...]
        var exponent = 0
        if let mark = mantissa.firstIndex(of: "e") {
            exponent = Int(mantissa[mantissa.index(after: mark)...]) ?? 0
            mantissa = mantissa[..<mark]
        }
        let parts = mantissa.split(separator: ".", omittingEmptySubsequences: false)
        let whole = parts.first ?? "0"
        let all = whole + (parts.count > 1 ? parts[1] : "")
        let leading = all.prefix { $0 == "0" }.count
        var digits = String(all.dropFirst(leading))
        while digits.utf8.count > 1, digits.hasSuffix("0") { digits.removeLast() }
        return (digits, exponent + whole.count - 1 - leading)
    }

    /// A number by `printf`, in the conversion `e`, `f` or `g`.
    static func formatted(
        _ value: Double, _ conversion: Character, precision: Int, alternate: Bool = false
    ) -> String {
        let format = "%\(alternate ? "#" : "").*\(conversion)"
        let arguments: [any CVarArg] = [Int32(clamping: precision), value]
        return withVaList(arguments) { list in
            var copy = [CChar](repeating: 0, count: 512)
            let needed = Int(vsnprintf(&copy, copy.count, format, list))
            return needed < copy.count ? text(of: copy, needed) : nil
        }
            ?? withVaList(arguments) { list in
                // A number has at most 309 digits before the point.
                var copy = [CChar](repeating: 0, count: max(precision, 0) + 400)
                let needed = Int(vsnprintf(&copy, copy.count, format, list))
                return text(of: copy, min(needed, copy.count - 1))
            }
    }

    private static func text(of characters: [CChar], _ count: Int) -> String {
        String(
            decoding: characters.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// What `int(text, base)` of Python reads; nil if it refuses.
    static func integer(_ text: TemplateText, base: Int) -> Int? {
        var digits = Array(
            text.stripped(.both) { $0.isTemplateSpace }.string.unicodeScalars.map(asciiDigit))
        var isNegative = false
        if let sign = digits.first, sign == "-" || sign == "+" {
            isNegative = sign == "-"
            digits.removeFirst()
        }
        var radix = base
        let prefixes: [Unicode.Scalar: Int] = ["b": 2, "o": 8, "x": 16]
        var hadPrefix = false
        if digits.count > 1, digits[0] == "0",
            let marked = prefixes[Unicode.Scalar(digits[1].value | 0x20) ?? " "],
            base == marked || base == 0
        {
            radix = marked
            digits.removeFirst(2)
            hadPrefix = true
        }
        if radix == 0 {
            radix = 10
            // Python reads "010" neither as eight nor as ten.
            if digits.first == "0", digits.contains(where: { $0 != "0" && $0 != "_" }) {
                return nil
            }
        }
        guard (2...36).contains(radix), !digits.isEmpty else { return nil }
        var cleaned = isNegative ? "-" : ""
        var previous: Unicode.Scalar = hadPrefix ? "0" : "_"
        for digit in digits {
            guard digit != "_" || previous != "_", digit != "-", digit != "+" else { return nil }
            if digit != "_" { cleaned.unicodeScalars.append(digit) }
            previous = digit
        }
        return previous == "_" ? nil : Int(cleaned, radix: radix)
    }

    /// What `float(text)` of Python reads; nil if it refuses.
    static func number(_ text: TemplateText) -> Double? {
        let scalars = text.stripped(.both) { $0.isTemplateSpace }.string.unicodeScalars.map(
            asciiDigit)
        var cleaned = ""
        var previous: Unicode.Scalar = " "
        for (index, scalar) in scalars.enumerated() {
            if scalar == "_" {
                let next = index + 1 < scalars.count ? scalars[index + 1] : " "
                guard ("0"..."9").contains(previous), ("0"..."9").contains(next) else { return nil }
            } else {
                cleaned.unicodeScalars.append(scalar)
            }
            previous = scalar
        }
        let word = cleaned.lowercased().drop { $0 == "+" || $0 == "-" }
        if ["inf", "infinity", "nan"].contains(String(word)) {
            guard cleaned.count - word.count <= 1 else { return nil }
            let isNegative = cleaned.hasPrefix("-")
            return word == "nan" ? .nan : isNegative ? -.infinity : .infinity
        }
        guard cleaned.utf8.allSatisfy({ "0123456789+-.eE".utf8.contains($0) }) else { return nil }
        if let value = Double(cleaned) { return value }
        // Python also reads a point without digits before or after it.
        var filled = cleaned
        if let point = filled.firstIndex(of: ".") {
            let after = filled.index(after: point)
            let hasBefore =
                point > filled.startIndex && filled[filled.index(before: point)].isNumber
            let hasAfter = after < filled.endIndex && filled[after].isNumber
            guard hasBefore || hasAfter else { return nil }
            if !hasAfter { filled.insert("0", at: after) }
            if !hasBefore { filled.insert("0", at: point) }
        }
        return Double(filled)
    }

    /// A decimal digit of any script as ASCII.
    private static func asciiDigit(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        guard scalar.value >= 0x80, scalar.isTemplateDecimal,
            let value = scalar.properties.numericValue
        else { return scalar }
        return Unicode.Scalar(UInt8(ascii: "0") + UInt8(value))
    }

    /// The number rounded to so many decimals as `round` of Python does: ties of the exact decimal
    /// value go to the even digit.
    static func rounded(_ value: Double, decimals: Int) -> Double {
        guard value.isFinite, decimals < 324 else { return value }
        if decimals >= 0 { return Double(formatted(value, "f", precision: decimals)) ?? value }
        guard decimals >= -308 else { return value * 0 }
        let scale = pow(10, Double(-decimals))
        return (value / scale).rounded(.toNearestOrEven) * scale
    }

    /// The integer rounded to tens, hundreds and so on; ties go to the even digit.
    static func rounded(_ value: Int, decimals: Int) -> Int? {
        guard decimals < 0 else { return value }
        guard decimals > -19 else { return 0 }
        var scale = 1
        for _ in 0..<(-decimals) { scale *= 10 }
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: scale)
        let twice = remainder.magnitude.multipliedReportingOverflow(by: 2)
        let isAbove = twice.overflow || twice.partialValue > scale.magnitude
        let isTie = !twice.overflow && twice.partialValue == scale.magnitude
        let away = isAbove || (isTie && quotient % 2 != 0)
        let rounded = away ? quotient + (value < 0 ? -1 : 1) : quotient
        let (product, overflow) = rounded.multipliedReportingOverflow(by: scale)
        return overflow ? nil : product
    }
}
