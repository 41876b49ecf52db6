extension TemplateText {
    /// Whether there is nothing but ASCII.
    private var isASCII: Bool { bytes.allSatisfy { $0 < 0x80 } }

    /// The text with every code point replaced, each keeping its origin.
    private func mapScalars(_ transform: (Unicode.Scalar, Int) -> String) -> TemplateText {
        mapStretches { slice, range in
            var result: [UInt8] = []
            result.reserveCapacity(slice.count)
            var offset = range.lowerBound
            while offset < range.upperBound {
                let (scalar, length) = Self.decode(bytes, at: offset)
                result.append(contentsOf: transform(scalar, offset).utf8)
                offset += length
            }
            return result
        }
    }

    private func mapASCII(_ transform: (UInt8) -> UInt8) -> TemplateText {
        mapStretches { slice, _ in slice.map(transform) }
    }

    var uppercased: TemplateText {
        isASCII
            ? mapASCII { $0 >= 0x61 && $0 <= 0x7A ? $0 - 32 : $0 }
            : mapScalars { scalar, _ in scalar.properties.uppercaseMapping }
    }

    var lowercased: TemplateText {
        isASCII
            ? mapASCII { $0 >= 0x41 && $0 <= 0x5A ? $0 + 32 : $0 }
            : mapScalars { scalar, offset in lowercase(scalar, at: offset) }
    }

    /// The lower case of a code point; a capital sigma at the end of a word has one of its own.
    private func lowercase(_ scalar: Unicode.Scalar, at offset: Int) -> String {
        guard scalar == "\u{3A3}" else { return scalar.properties.lowercaseMapping }
        var before = offset
        var followsCased = false
        while before > 0 {
            let (previous, length) = Self.decode(bytes, before: before)
            before -= length
            if previous.properties.isCaseIgnorable { continue }
            followsCased = previous.properties.isCased
            break
        }
        var after = offset + 2
        while after < bytes.count {
            let (next, length) = Self.decode(bytes, at: after)
            after += length
            if next.properties.isCaseIgnorable { continue }
            return followsCased && !next.properties.isCased ? "\u{3C2}" : "\u{3C3}"
        }
        return followsCased ? "\u{3C2}" : "\u{3C3}"
    }

    /// The first code point in title case, the others in lower case.
    var capitalized: TemplateText {
        mapScalars { scalar, offset in
            offset == 0 ? scalar.properties.titlecaseMapping : lowercase(scalar, at: offset)
        }
    }

    /// Words begin in title case: `str.title` of Python.
    var titlecased: TemplateText {
        mapScalars { scalar, offset in
            let followsCased =
                offset > 0 && Self.decode(bytes, before: offset).scalar.properties.isCased
            return followsCased ? lowercase(scalar, at: offset) : scalar.properties.titlecaseMapping
        }
    }

    var swappingCase: TemplateText {
        mapScalars { scalar, offset in
            if scalar.properties.isUppercase { return lowercase(scalar, at: offset) }
            return scalar.properties.isLowercase
                ? scalar.properties.uppercaseMapping : String(scalar)
        }
    }

    /// Words in the sense of Jinja's filter `title` begin in upper case.
    var jinjaTitlecased: TemplateText {
        func isBoundary(_ scalar: Unicode.Scalar) -> Bool {
            scalar.isTemplateSpace || "-({[<".unicodeScalars.contains(scalar)
        }
        return mapScalars { scalar, offset in
            guard !isBoundary(scalar) else { return String(scalar) }
            let begins = offset == 0 || isBoundary(Self.decode(bytes, before: offset).scalar)
            return begins ? scalar.properties.uppercaseMapping : lowercase(scalar, at: offset)
        }
    }

    /// The text made ready for comparison without regard to case.
    var caseFolded: TemplateText {
        mapScalars { scalar, _ in
            scalar.properties.uppercaseMapping.unicodeScalars
                .map(\.properties.lowercaseMapping).joined()
        }
    }

    // MARK: Questions

    /// Whether there is a cased code point, and none of the other case.
    func isCased(upper: Bool) -> Bool {
        var found = false
        for scalar in string.unicodeScalars {
            let properties = scalar.properties
            let isTitle = properties.generalCategory == .titlecaseLetter
            if upper ? properties.isUppercase : properties.isLowercase {
                found = true
            } else if isTitle || (upper ? properties.isLowercase : properties.isUppercase) {
                return false
            }
        }
        return found
    }

    /// Whether every word begins in upper case and goes on in lower case.
    var isTitlecased: Bool {
        var found = false
        var followsCased = false
        for scalar in string.unicodeScalars {
            let properties = scalar.properties
            if properties.isUppercase || properties.generalCategory == .titlecaseLetter {
                if followsCased { return false }
                followsCased = true
                found = true
            } else if properties.isLowercase {
                if !followsCased { return false }
                found = true
            } else {
                followsCased = false
            }
        }
        return found
    }

    /// Whether there is something and all of it has a property.
    func isAll(_ has: (Unicode.Scalar) -> Bool) -> Bool {
        !isEmpty && string.unicodeScalars.allSatisfy(has)
    }
}

extension Unicode.Scalar {
    /// Whether it is a letter: `str.isalpha` of Python.
    var isTemplateLetter: Bool {
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
            true
        default: false
        }
    }

    var isTemplateDecimal: Bool { properties.generalCategory == .decimalNumber }
    var isTemplateDigit: Bool {
        properties.numericType == .decimal || properties.numericType == .digit
    }
    var isTemplateNumeric: Bool { properties.numericType != nil }
    var isTemplateAlphanumeric: Bool { isTemplateLetter || isTemplateDigit || isTemplateNumeric }

    /// Whether `repr` of Python shows it as it is.
    var isTemplatePrintable: Bool {
        switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
            .paragraphSeparator:
            false
        case .spaceSeparator: self == " "
        default: true
        }
    }
}
