#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#endif

extension TemplateMachine {
    /// The items a value is gone through by; a generator gives up what it has left.
    mutating func items(of value: TemplateValue) throws(TemplateError) -> [TemplateValue] {
        let items: [TemplateValue]
        switch value {
        case .undefined: return []
        case .string(let text):
            try budget.charge(text.count, each: TemplateBudget.object)
            return text.characters.map { .string($0) }
        case .list(let list), .tuple(let list): items = list.items
        case .dict(let dict), .view(let dict, .keys): items = dict.keys
        case .view(let dict, .values): items = dict.values
        case .view(let dict, .items):
            try budget.charge(dict.count, each: TemplateBudget.object)
            items = (0..<dict.count).map { dict.item(at: $0) }
        case .range(let range):
            try budget.charge(range.count, each: TemplateBudget.item)
            items = range.items
        case .iterator(let iterator): items = iterator.takeAll()
        default:
            throw TemplateError.value(
                "a value of type '\(value.typeName)' is not iterable",
                remedy: value.isNone ? "test with 'is none' first" : nil)
        }
        try budget.charge(items.count)
        return items
    }

    /// The number of items, as `len` of Python has it; nil for values without one.
    func length(of value: TemplateValue) -> Int? {
        switch value {
        case .undefined: 0
        case .string(let text): text.scalarCount
        case .list(let list), .tuple(let list): list.items.count
        case .dict(let dict), .view(let dict, _): dict.count
        case .range(let range): range.count
        case .loop(let loop): loop.length
        default: nil
        }
    }

    mutating func concatenate(_ values: [TemplateValue]) throws(TemplateError) -> TemplateValue {
        var result = TemplateText()
        for value in values {
            let text = try string(of: value)
            try checkSize(result.count + text.count)
            result.append(text)
        }
        try budget.chargeCopy(result.count)
        return .string(result)
    }

    func negated(_ value: TemplateValue) throws(TemplateError) -> TemplateValue {
        switch value {
        case .undefined(let undefined): throw undefined.error
        case .number(let number, let origin): return .number(-number, origin)
        default:
            guard let integer = value.integerValue else { throw cannot("-", value) }
            return .integer(try checked((0).subtractingReportingOverflow(integer)), value.origin)
        }
    }

    func plus(_ value: TemplateValue) throws(TemplateError) -> TemplateValue {
        switch value {
        case .undefined(let undefined): throw undefined.error
        case .number: return value
        default:
            guard let integer = value.integerValue else { throw cannot("+", value) }
            return .integer(integer, value.origin)
        }
    }

    private func cannot(_ sign: String, _ value: TemplateValue) -> TemplateError {
        TemplateError.value("a value of type '\(value.typeName)' cannot have the sign '\(sign)'")
    }

    private func checked(_ result: (Int, overflow: Bool)) throws(TemplateError) -> Int {
        guard !result.overflow else {
            throw TemplateError.value(
                "the result of an operation on integers has more than 64 bits")
        }
        return result.0
    }

    mutating func binary(
        _ operation: TemplateBinary, _ left: TemplateValue, _ right: TemplateValue
    ) throws(TemplateError) -> TemplateValue {
        switch (operation, left, right) {
        case (.add, .string(var a), .string(let b)):
            try checkSize(a.count + b.count)
            try budget.chargeCopy(a.count + b.count)
            a.append(b)
            return .string(a)
        case (.modulo, .string(let format), _):
            return .string(try formatted(format, with: right))
        case (_, .undefined(let undefined), _), (_, _, .undefined(let undefined)):
            throw undefined.error
        case (.add, .list(let a), .list(let b)):
            try checkSize(a.weight.addingClamped(b.weight))
            return .list(try makeList(a.items + b.items, origin: a.origin | b.origin))
        case (.add, .tuple(let a), .tuple(let b)):
            try checkSize(a.weight.addingClamped(b.weight))
            return .tuple(try makeList(a.items + b.items, origin: a.origin | b.origin))
        case (.multiply, .string(let text), _):
            if let times = right.integerValue { return .string(try repeated(text, times)) }
        case (.multiply, _, .string(let text)):
            if let times = left.integerValue { return .string(try repeated(text, times)) }
        case (.multiply, .list(let list), _):
            if let times = right.integerValue { return .list(try repeated(list, times)) }
        case (.multiply, _, .list(let list)):
            if let times = left.integerValue { return .list(try repeated(list, times)) }
        case (.multiply, .tuple(let list), _):
            if let times = right.integerValue { return .tuple(try repeated(list, times)) }
        case (.multiply, _, .tuple(let list)):
            if let times = left.integerValue { return .tuple(try repeated(list, times)) }
        default: break
        }
        let origin = left.origin | right.origin
        if let a = left.integerValue, let b = right.integerValue {
            return try arithmetic(operation, a, b, origin)
        }
        if let a = left.numberValue, let b = right.numberValue {
            return .number(try arithmetic(operation, a, b), origin)
        }
        let hint =
            operation == .add && (left.text != nil || right.text != nil)
            ? "join values of different types with '~', or test for 'none' first" : nil
        throw TemplateError.value(
            "'\(operation.rawValue)' does not work on values of types '\(left.typeName)' and "
                + "'\(right.typeName)'", remedy: hint)
    }

    private mutating func repeated(
        _ text: TemplateText, _ times: Int
    ) throws(TemplateError) -> TemplateText {
        let size = text.count.multipliedClamped(by: max(times, 0))
        try checkSize(size)
        try budget.chargeCopy(size)
        return text.repeated(times)
    }

    private mutating func repeated(
        _ list: TemplateList, _ times: Int
    ) throws(TemplateError) -> TemplateList {
        let size = list.weight.multipliedClamped(by: max(times, 0))
        try checkSize(size)
        try budget.charge(size)
        var items: [TemplateValue] = []
        if !list.items.isEmpty {
            for _ in 0..<max(times, 0) { items += list.items }
        }
        return try makeList(items, origin: list.origin)
    }

    // MARK: Arithmetic

    private static let divisionByZero = TemplateError.value("a number is divided by zero")

    private func arithmetic(
        _ operation: TemplateBinary, _ a: Int, _ b: Int, _ origin: TemplateOrigin
    ) throws(TemplateError) -> TemplateValue {
        switch operation {
        case .add: return .integer(try checked(a.addingReportingOverflow(b)), origin)
        case .subtract: return .integer(try checked(a.subtractingReportingOverflow(b)), origin)
        case .multiply: return .integer(try checked(a.multipliedReportingOverflow(by: b)), origin)
        case .divide:
            guard b != 0 else { throw Self.divisionByZero }
            return .number(Self.quotient(a, b), origin)
        case .floorDivide:
            guard b != 0 else { throw Self.divisionByZero }
            let quotient = try checked(a.dividedReportingOverflow(by: b))
            let isInexact = b != -1 && a % b != 0
            return .integer(isInexact && (a < 0) != (b < 0) ? quotient - 1 : quotient, origin)
        case .modulo:
            guard b != 0 else { throw Self.divisionByZero }
            guard b != -1 else { return .integer(0, origin) }
            let remainder = a % b
            return .integer(
                remainder != 0 && (remainder < 0) != (b < 0) ? remainder + b : remainder, origin)
        case .power:
            guard b >= 0 else {
                return .number(try arithmetic(.power, Double(a), Double(b)), origin)
            }
            var result = 1
            var square = a
            var exponent = b
            if a == 0 || a == 1 || a == -1 { exponent = b == 0 ? 0 : 2 - b % 2 }
            while exponent > 0 {
                if exponent & 1 == 1 {
                    result = try checked(result.multipliedReportingOverflow(by: square))
                }
                exponent >>= 1
                if exponent > 0 {
                    square = try checked(square.multipliedReportingOverflow(by: square))
                }
            }
            return .integer(result, origin)
        }
    }

    /// The quotient of two integers, rounded once.
    private static func quotient(_ a: Int, _ b: Int) -> Double {
        let largestExact = 1 << 53
        if a.magnitude <= largestExact, b.magnitude <= largestExact { return Double(a) / Double(b) }
        // Integer division with at least 64 further bits, whose last one stands for the rest.
        let (high, low) = a.magnitude.dividingShifted(by: b.magnitude)
        let magnitude = Double(high) + Double(low) * 0x1p-64
        return (a < 0) != (b < 0) ? -magnitude : magnitude
    }

    private func arithmetic(
        _ operation: TemplateBinary, _ a: Double, _ b: Double
    ) throws(TemplateError) -> Double {
        switch operation {
        case .add: return a + b
        case .subtract: return a - b
        case .multiply: return a * b
        case .divide:
            guard b != 0 else { throw Self.divisionByZero }
            return a / b
        case .floorDivide, .modulo:
            guard b != 0 else { throw Self.divisionByZero }
            return Self.divide(a, b, wantsQuotient: operation == .floorDivide)
        case .power:
            if a == 0, b < 0 { throw Self.divisionByZero }
            let result = pow(a, b)
            if a < 0, a.isFinite, b.isFinite, b != b.rounded() {
                throw TemplateError.value("a power of a negative number has no real value")
            }
            if result.isInfinite, a.isFinite, b.isFinite {
                throw TemplateError.value("the result of '**' is too large for a number")
            }
            return result
        }
    }

    /// Division towards minus infinity, as `divmod` of Python does it.
    private static func divide(_ a: Double, _ b: Double, wantsQuotient: Bool) -> Double {
        var remainder = fmod(a, b)
        var quotient = (a - remainder) / b
        if remainder != 0 {
            if (b < 0) != (remainder < 0) {
                remainder += b
                quotient -= 1
            }
        } else {
            remainder = b.sign == .minus ? -0.0 : 0.0
        }
        if !wantsQuotient { return remainder }
        guard quotient != 0 else { return (a / b).sign == .minus ? -0.0 : 0.0 }
        let floor = quotient.rounded(.down)
        return quotient - floor > 0.5 ? floor + 1 : floor
    }
}

extension UInt {
    /// The quotient with 64 bits after the point; the last bit is set if there is a rest.
    fileprivate func dividingShifted(by divisor: UInt) -> (high: UInt, low: UInt) {
        let whole = quotientAndRemainder(dividingBy: divisor)
        let (low, rest) = divisor.dividingFullWidth((whole.remainder, 0))
        return (whole.quotient, rest == 0 ? low : low | 1)
    }
}
