/// The items of a list or tuple.
final class TemplateList {
    let items: [TemplateValue]
    /// Whether the list itself was given as content, or is a part of something that was.
    let origin: TemplateOrigin
    let depth: Int
    let weight: Int
    /// Whether it is a group of `groupby`, whose items also have names.
    let isGroup: Bool

    /// Makes a list without checking the limits, which is for the machine to do.
    init(unchecked items: [TemplateValue], origin: TemplateOrigin, isGroup: Bool = false) {
        var depth = 0
        var weight = 1
        for item in items {
            depth = max(depth, item.depth)
            weight = weight.addingClamped(item.weight)
        }
        self.items = items
        self.origin = origin
        self.depth = depth + 1
        self.weight = weight
        self.isGroup = isGroup
    }
}

/// The pairs of a mapping, in order.
final class TemplateDict {
    let keys: [TemplateValue]
    let values: [TemplateValue]
    let origin: TemplateOrigin
    let depth: Int
    let weight: Int
    /// Where each key stands; empty while there are few enough to search through.
    private let positions: [TemplateKey: Int]

    private static let largestSearchedThrough = 8

    var isEmpty: Bool { keys.isEmpty }
    var count: Int { keys.count }

    /// Makes a mapping; of equal keys the last value stays, at the place of the first.
    init(
        unchecked pairs: [(key: TemplateValue, value: TemplateValue)], origin: TemplateOrigin
    ) throws(TemplateError) {
        var keys: [TemplateValue] = []
        var values: [TemplateValue] = []
        var positions: [TemplateKey: Int] = [:]
        keys.reserveCapacity(pairs.count)
        values.reserveCapacity(pairs.count)
        for (key, value) in pairs {
            let hashed = try TemplateKey(key)
            if let position = positions[hashed] {
                values[position] = value
            } else {
                positions[hashed] = keys.count
                keys.append(key)
                values.append(value)
            }
        }
        self.keys = keys
        self.values = values
        self.origin = origin
        self.positions = keys.count > Self.largestSearchedThrough ? positions : [:]
        var depth = 0
        var weight = 1
        for item in keys + values {
            depth = max(depth, item.depth)
            weight = weight.addingClamped(item.weight)
        }
        self.depth = depth + 1
        self.weight = weight
    }

    /// The value of a key that is a string.
    func value(of key: TemplateText) -> TemplateValue? {
        guard positions.isEmpty else { return positions[.string(key.bytes)].map { values[$0] } }
        for index in keys.indices {
            if case .string(let text) = keys[index], text == key { return values[index] }
        }
        return nil
    }

    /// The value of any key.
    func value(of key: TemplateValue) throws(TemplateError) -> TemplateValue? {
        if case .string(let text) = key { return value(of: text) }
        let hashed = try TemplateKey(key)
        guard positions.isEmpty else { return positions[hashed].map { values[$0] } }
        for index in keys.indices where try TemplateKey(keys[index]) == hashed {
            return values[index]
        }
        return nil
    }

    /// The pair at a position as a tuple.
    func item(at index: Int) -> TemplateValue {
        .tuple(TemplateList(unchecked: [keys[index], values[index]], origin: origin))
    }
}

/// Which part of a mapping a view shows.
enum TemplateView {
    case keys, values, items

    var typeName: String {
        switch self {
        case .keys: "dict_keys"
        case .values: "dict_values"
        case .items: "dict_items"
        }
    }
}

/// What a mapping compares keys by.
enum TemplateKey: Hashable {
    case none
    case undefined
    case integer(Int)
    case number(Double)
    case string([UInt8])
    case tuple([TemplateKey])
    case identity(ObjectIdentifier)

    init(_ value: TemplateValue) throws(TemplateError) {
        switch value {
        case .none: self = .none
        case .undefined, .missing: self = .undefined
        case .bool(let value): self = .integer(value ? 1 : 0)
        case .integer(let value, _): self = .integer(value)
        case .number(let value, _):
            self = Int(exactly: value).map { .integer($0) } ?? .number(value)
        case .string(let text): self = .string(text.bytes)
        case .tuple(let list):
            var keys: [TemplateKey] = []
            for item in list.items { keys.append(try TemplateKey(item)) }
            self = .tuple(keys)
        case .namespace(let object): self = .identity(ObjectIdentifier(object))
        case .macro(let object): self = .identity(ObjectIdentifier(object))
        case .loop(let object): self = .identity(ObjectIdentifier(object))
        default:
            throw TemplateError.value("a value of type '\(value.typeName)' cannot be a key")
        }
    }
}

/// The integers from a start to before a stop.
final class TemplateRange {
    let start: Int
    let stop: Int
    let step: Int
    let count: Int

    /// Makes a range; nil if its length has more than 64 bits.
    init?(start: Int, stop: Int, step: Int) {
        self.start = start
        self.stop = stop
        self.step = step
        let (distance, overflow) =
            step > 0
            ? stop.subtractingReportingOverflow(start) : start.subtractingReportingOverflow(stop)
        guard !overflow else { return nil }
        let stride = step.magnitude
        count = distance <= 0 ? 0 : Int((UInt(distance) - 1) / stride) + 1
    }

    subscript(index: Int) -> Int { start &+ index &* step }

    var items: [TemplateValue] { (0..<count).map { .integer(self[$0]) } }
}

/// Items that can be gone through once.
final class TemplateIterator {
    let items: [TemplateValue]
    let origin: TemplateOrigin
    let depth: Int
    let weight: Int
    var position = 0

    init(unchecked items: [TemplateValue], origin: TemplateOrigin) {
        let list = TemplateList(unchecked: items, origin: origin)
        self.items = items
        self.origin = origin
        depth = list.depth
        weight = list.weight
    }

    /// Takes all items that are left.
    func takeAll() -> [TemplateValue] {
        defer { position = items.count }
        return position == 0 ? items : Array(items[min(position, items.count)...])
    }
}

extension Int {
    /// The sum, or the nearest integer if there is none.
    func addingClamped(_ other: Int) -> Int {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }

    /// The product, or the largest integer if there is none.
    func multipliedClamped(by other: Int) -> Int {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? .max : product
    }
}
