extension TemplateMachine {
    mutating func compare(
        _ operation: TemplateComparison, _ a: TemplateValue, _ b: TemplateValue
    ) throws(TemplateError) -> Bool {
        switch operation {
        case .equal: return try areEqual(a, b)
        case .notEqual: return try !areEqual(a, b)
        case .contained: return try contains(b, a)
        case .notContained: return try !contains(b, a)
        case .less, .lessOrEqual, .greater, .greaterOrEqual:
            try budget.charge(min(a.weight, b.weight), each: 32)
            return try order(operation, a, b)
        }
    }

    /// Whether two values are equal, as `==` of Python has it.
    mutating func areEqual(_ a: TemplateValue, _ b: TemplateValue) throws(TemplateError) -> Bool {
        try budget.charge(Self.comparisonCost(a, b))
        return try Self.areEqual(a, b)
    }

    /// What comparing two values may cost: little for strings, more for what has items.
    private static func comparisonCost(_ a: TemplateValue, _ b: TemplateValue) -> Int {
        let weight = min(a.weight, b.weight)
        return a.text == nil ? weight.multipliedClamped(by: 32) : weight
    }

    static func areEqual(_ a: TemplateValue, _ b: TemplateValue) throws(TemplateError) -> Bool {
        switch (a, b) {
        case (.string(let a), .string(let b)): return a == b
        case (.none, .none): return true
        case (.undefined, .undefined): return true
        case (.integer(let a, _), .integer(let b, _)): return a == b
        case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)):
            return try areEqual(a.items, b.items)
        case (.dict(let a), .dict(let b)):
            guard a.count == b.count else { return false }
            for (key, value) in zip(a.keys, a.values) {
                guard let other = try b.value(of: key), try areEqual(value, other) else {
                    return false
                }
            }
            return true
        case (.range(let a), .range(let b)):
            return a.count == b.count
                && (a.count == 0 || (a.start == b.start && (a.count == 1 || a.step == b.step)))
        case (.view(let a, let viewA), .view(let b, let viewB)):
            return try areEqual(a, viewA, b, viewB)
        case (.namespace(let a), .namespace(let b)): return a === b
        case (.macro(let a), .macro(let b)): return a === b
        case (.loop(let a), .loop(let b)): return a === b
        case (.iterator(let a), .iterator(let b)): return a === b
        case (.cycler(let a), .cycler(let b)): return a === b
        case (.joiner(let a), .joiner(let b)): return a === b
        case (.function(let a), .function(let b)): return a == b
        case (.method(let a), .method(let b)):
            guard a.name == b.name else { return false }
            return try areEqual(a.receiver, b.receiver)
        default:
            return compareNumbers(a, b).map { $0 == 0 } ?? false
        }
    }

    private static func areEqual(
        _ a: [TemplateValue], _ b: [TemplateValue]
    ) throws(TemplateError) -> Bool {
        guard a.count == b.count else { return false }
        for (x, y) in zip(a, b) {
            guard try areEqual(x, y) else { return false }
        }
        return true
    }

    /// Views of keys and items are equal like sets; views of values only to themselves.
    private static func areEqual(
        _ a: TemplateDict, _ viewA: TemplateView, _ b: TemplateDict, _ viewB: TemplateView
    ) throws(TemplateError) -> Bool {
        guard viewA == viewB, viewA != .values else { return false }
        guard a.count == b.count else { return false }
        for (key, value) in zip(a.keys, a.values) {
            guard let other = try b.value(of: key) else { return false }
            if viewA == .items, try !areEqual(value, other) { return false }
        }
        return true
    }

    /// Compares numbers exactly: below, at or above zero for less, equal, greater. Nil for other
    /// values and for NaN.
    static func compareNumbers(_ a: TemplateValue, _ b: TemplateValue) -> Int? {
        if let a = a.integerValue, let b = b.integerValue { return a < b ? -1 : a == b ? 0 : 1 }
        switch (a, b) {
        case (.number(let a, _), .number(let b, _)):
            return a < b ? -1 : a == b ? 0 : a > b ? 1 : nil
        case (.number(let a, _), _): return b.integerValue.flatMap { compare(a, $0) }
        case (_, .number(let b, _)): return a.integerValue.flatMap { compare(b, $0) }.map { -$0 }
        default: return nil
        }
    }

    private static func compare(_ a: Double, _ b: Int) -> Int? {
        guard !a.isNaN else { return nil }
        if a >= 0x1p63 { return 1 }
        if a < -0x1p63 { return -1 }
        let whole = a.rounded(.down)
        let integer = Int(whole)
        if integer != b { return integer < b ? -1 : 1 }
        return a > whole ? 1 : 0
    }

    private func order(
        _ operation: TemplateComparison, _ a: TemplateValue, _ b: TemplateValue
    ) throws(TemplateError) -> Bool {
        let sign: Int
        switch (a, b) {
        case (.undefined(let undefined), _), (_, .undefined(let undefined)):
            throw undefined.error
        case (.string(let a), .string(let b)):
            sign = a == b ? 0 : a < b ? -1 : 1
        case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)):
            for (x, y) in zip(a.items, b.items) {
                if try !Self.areEqual(x, y) { return try order(operation, x, y) }
            }
            sign = a.items.count.signum(against: b.items.count)
        default:
            guard a.numberValue != nil, b.numberValue != nil else {
                throw TemplateError.value(
                    "'\(operation.rawValue)' does not order values of types '\(a.typeName)' and "
                        + "'\(b.typeName)'")
            }
            guard let compared = Self.compareNumbers(a, b) else { return false }
            sign = compared
        }
        return switch operation {
        case .less: sign < 0
        case .lessOrEqual: sign <= 0
        case .greater: sign > 0
        default: sign >= 0
        }
    }

    /// Whether a container has a member, as `in` of Python has it.
    mutating func contains(
        _ container: TemplateValue, _ member: TemplateValue
    ) throws(TemplateError) -> Bool {
        switch container {
        case .string(let text):
            guard case .string(let part) = member else {
                throw TemplateError.value(
                    "'in' looks for a string in a string, not for a value of type "
                        + "'\(member.typeName)'")
            }
            try budget.charge(text.count, each: 4)
            return text.firstRange(of: part.bytes) != nil
        case .dict(let dict), .view(let dict, .keys):
            try budget.charge(TemplateBudget.key + member.weight)
            return try dict.value(of: member) != nil
        default:
            for item in try items(of: container) where try areEqual(item, member) { return true }
            return false
        }
    }

    /// Sorts values in a stable way by keys, as `sorted` of Python does.
    mutating func sort(
        _ values: [TemplateValue], by keys: [TemplateValue], descending: Bool
    ) throws(TemplateError) -> [TemplateValue] {
        try budget.charge(values.count, each: TemplateBudget.item)
        // A merge sort is stable and needs only "less".
        var order = Array(values.indices)
        var buffer = order
        var width = 1
        while width < order.count {
            var start = 0
            while start < order.count {
                let middle = min(start + width, order.count)
                let end = min(start + 2 * width, order.count)
                var left = start
                var right = middle
                for target in start..<end {
                    let takesRight: Bool
                    if left == middle {
                        takesRight = true
                    } else if right == end {
                        takesRight = false
                    } else {
                        try budget.charge(TemplateBudget.item)
                        let a = keys[order[left]]
                        let b = keys[order[right]]
                        takesRight =
                            try descending ? compare(.less, a, b) : compare(.less, b, a)
                    }
                    if takesRight {
                        buffer[target] = order[right]
                        right += 1
                    } else {
                        buffer[target] = order[left]
                        left += 1
                    }
                }
                start = end
            }
            swap(&order, &buffer)
            width *= 2
        }
        return order.map { values[$0] }
    }
}

extension Int {
    /// -1, 0 or 1 for less than, equal to or greater than another integer.
    fileprivate func signum(against other: Int) -> Int {
        self < other ? -1 : self == other ? 0 : 1
    }
}
