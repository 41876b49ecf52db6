import FathomJSON

/// Rewrites JSON text as `json.dumps(json.loads(text), ensure_ascii=False)` of Python does.
///
/// Values that were read into a `JSONValue` are written by `JSONStyle.python`. Text is rewritten
/// here without that detour, because Python's integers have no largest: an id of 20 digits must
/// not become a number in powers of ten.
enum PythonJSON {
    /// A pair of an object, its value as Python writes it.
    struct Pair {
        let key: String
        /// The text of a string, or the JSON of any other value.
        let value: String
        let isString: Bool
    }

    /// The pairs of an object, or nil where the text is valid but no object.
    static func pairs(ofObject text: String) throws(JSONError) -> [Pair]? {
        guard let object = try JSONValue(parsing: text).objectValue else { return nil }
        var scanner = Scanner(bytes: Array(text.utf8))
        let raw = scanner.topLevelValues()
        return zip(object, raw).map { pair, raw in
            if case .string(let text) = pair.value {
                return Pair(key: pair.key, value: text, isString: true)
            }
            return Pair(key: pair.key, value: raw, isString: false)
        }
    }

    /// Walks over text that is known to be JSON.
    private struct Scanner {
        let bytes: [UInt8]
        private var offset = 0

        init(bytes: [UInt8]) {
            self.bytes = bytes
        }

        /// The values of the outermost object, rewritten.
        mutating func topLevelValues() -> [String] {
            var values: [String] = []
            var current: [UInt8] = []
            var depth = 0
            while offset < bytes.count {
                let byte = bytes[offset]
                switch byte {
                case UInt8(ascii: "{"), UInt8(ascii: "["):
                    if depth > 0 { current.append(byte) }
                    depth += 1
                    offset += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"):
                    depth -= 1
                    offset += 1
                    if depth > 0 {
                        current.append(byte)
                    } else if !current.isEmpty {
                        values.append(String(decoding: current, as: UTF8.self))
                    }
                case UInt8(ascii: ","):
                    offset += 1
                    if depth == 1 {
                        values.append(String(decoding: current, as: UTF8.self))
                        current = []
                    } else {
                        current.append(contentsOf: ", ".utf8)
                    }
                case UInt8(ascii: ":"):
                    offset += 1
                    if depth == 1 {
                        // What came before was the key.
                        current = []
                    } else {
                        current.append(contentsOf: ": ".utf8)
                    }
                case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"):
                    offset += 1
                default:
                    current.append(contentsOf: scalarText().utf8)
                }
            }
            return values
        }

        /// A string, number or word, rewritten.
        private mutating func scalarText() -> String {
            let start = offset
            if bytes[offset] == UInt8(ascii: "\"") {
                offset += 1
                while offset < bytes.count, bytes[offset] != UInt8(ascii: "\"") {
                    offset += bytes[offset] == UInt8(ascii: "\\") ? 2 : 1
                }
                offset = min(offset + 1, bytes.count)
            } else {
                while offset < bytes.count, !Self.ends.contains(bytes[offset]) { offset += 1 }
            }
            let text = bytes[start..<offset]
            let isInteger =
                text.contains { Self.digits.contains($0) }
                && text.allSatisfy { Self.digits.contains($0) || $0 == UInt8(ascii: "-") }
            if isInteger {
                let digits = String(decoding: text, as: UTF8.self)
                return digits == "-0" ? "0" : digits
            }
            guard let value = try? JSONValue(parsing: text) else {
                return String(decoding: text, as: UTF8.self)
            }
            return value.serialized(.python)
        }

        private static let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        private static let ends = Set(",:[]{} \n\r\t".utf8)
    }
}
