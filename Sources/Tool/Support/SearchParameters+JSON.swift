import FathomJSON
import FathomVectors

extension SearchParameters {
    /// Search parameters as a JSON object, by Faiss's names.
    init(parsing text: String) throws {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: text)
        } catch {
            throw ToolError(
                "--parameters is no JSON: \(error); write an object such as {\"nprobe\": 8}")
        }
        try self.init(value, name: "--parameters", depth: 0)
    }

    /// How deep parameters of inner indexes may be nested.
    private static let depthLimit = 8

    private init(_ value: JSONValue, name: String, depth: Int) throws {
        guard depth < Self.depthLimit else {
            throw ToolError("'\(name)' is nested more than \(Self.depthLimit) deep")
        }
        guard let object = value.objectValue else {
            throw ToolError("'\(name)' is \(value.kindDescription); it must be an object")
        }
        self.init()
        for (key, value) in object {
            guard let name = Name(rawValue: key) else {
                let names = Name.allCases.map(\.rawValue).joined(separator: ", ")
                throw ToolError("unknown search parameter '\(key)'; known are \(names)")
            }
            switch name {
            case .selector: selector = try IDSelector(value, depth: 0)
            case .nprobe: nprobe = try value.integer(key)
            case .maxCodes: maxCodes = try value.integer(key)
            case .efSearch: efSearch = try value.integer(key)
            case .checkRelativeDistance: checkRelativeDistance = try value.bool(key)
            case .boundedQueue: boundedQueue = try value.bool(key)
            case .kFactor: kFactor = try value.float(key)
            case .qb: qb = try value.integer(key)
            case .centered: centered = try value.bool(key)
            case .polysemousThreshold: polysemousThreshold = try value.integer(key)
            case .scanTableThreshold: scanTableThreshold = try value.integer(key)
            case .usePrecomputedTable: usePrecomputedTable = try value.integer(key)
            case .searchL: searchL = try value.integer(key)
            case .nflip: nflip = try value.integer(key)
            case .useHeap: useHeap = try value.bool(key)
            case .beamFactor: beamFactor = try value.float(key)
            case .quantizer:
                quantizer = try SearchParameters(value, name: key, depth: depth + 1)
            case .base: base = try SearchParameters(value, name: key, depth: depth + 1)
            }
        }
    }
}

extension IDSelector {
    /// A selector as JSON: `{"type": "range", "min": 0, "max": 10}`; see `fathom search --help`.
    fileprivate init(_ value: JSONValue, depth: Int) throws {
        guard depth <= IDSelector.depthLimit else {
            throw ToolError("'sel' is nested more than \(IDSelector.depthLimit) deep")
        }
        func inner(_ key: String) throws -> IDSelector {
            guard let inner = value[key] else {
                throw ToolError(
                    "'sel' of type '\(value["type"]?.stringValue ?? "")' lacks '\(key)'")
            }
            return try IDSelector(inner, depth: depth + 1)
        }
        func number(_ key: String) throws -> Int64 {
            guard let number = value[key] else { throw ToolError("'sel' lacks '\(key)'") }
            return Int64(try number.integer("sel.\(key)"))
        }
        switch value["type"]?.stringValue {
        case "all": self = .all
        case "range": self = .range(try number("min"), try number("max"))
        case "batch", "array":
            guard let ids = value["ids"]?.arrayValue else { throw ToolError("'sel' lacks 'ids'") }
            self = .ids(try ids.map { Int64(try $0.integer("sel.ids")) })
        case "bitmap":
            guard let bytes = value["hex"]?.stringValue.flatMap(Self.bytes) else {
                throw ToolError("'sel' lacks 'hex', an even number of hexadecimal digits")
            }
            self = .bitmap(bytes)
        case "not": self = try .not(try inner("of"))
        case "and": self = try .and(try inner("a"), try inner("b"))
        case "or": self = try .or(try inner("a"), try inner("b"))
        case "xor": self = try .xor(try inner("a"), try inner("b"))
        case let type:
            throw ToolError(
                "'sel' has type '\(type ?? "")'; it must be all, range, batch, array, bitmap, "
                    + "not, and, or, or xor")
        }
    }

    private static func bytes(_ hex: String) -> [UInt8]? {
        let digits = hex.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        guard digits.count == hex.utf8.count, digits.count.isMultiple(of: 2) else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map {
            UInt8(digits[$0] << 4 | digits[$0 + 1])
        }
    }
}

extension JSONValue {
    fileprivate func integer(_ key: String) throws -> Int {
        guard let value = intValue else {
            throw ToolError("'\(key)' is \(kindDescription); it must be a whole number")
        }
        return value
    }

    fileprivate func float(_ key: String) throws -> Float {
        guard let value = doubleValue else {
            throw ToolError("'\(key)' is \(kindDescription); it must be a number")
        }
        return Float(value)
    }

    fileprivate func bool(_ key: String) throws -> Bool {
        // Faiss's settings are numbers in some places.
        guard let value = boolValue ?? intValue.flatMap({ $0 == 0 ? false : $0 == 1 ? true : nil })
        else {
            throw ToolError("'\(key)' is \(kindDescription); it must be true or false")
        }
        return value
    }
}
