import FathomJSON

/// How functions and parameters are written between the markers of DSML.
enum DSMLSyntax {
    /// What stands before the value of a parameter.
    struct ParameterHead: Hashable {
        let key: String
        let isString: Bool
    }

    static let afterName = "\">\n"
    static let afterStringKey = "\" string=\"true\">"
    static let afterJSONKey = "\" string=\"false\">"
    static let beforeName = " name=\""

    /// The name in ` name="f">`, with one or two line breaks behind it: the encoder leaves an empty
    /// line where there are no parameters.
    static func functionName(inHead head: String) -> String? {
        let head = Array(head.utf8)
        for position in head.indices where head[position...].starts(with: afterName.utf8) {
            let rest = head[(position + afterName.utf8.count)...]
            guard rest.isEmpty || rest.elementsEqual("\n".utf8) else { return nil }
            return name(String(decoding: head[..<position], as: UTF8.self))
        }
        return nil
    }

    /// What follows ` name="`, if that is where the text begins and anything follows.
    static func name(_ text: String) -> String? {
        guard text.utf8.starts(with: beforeName.utf8), text.utf8.count > beforeName.utf8.count
        else { return nil }
        return String(decoding: text.utf8.dropFirst(beforeName.utf8.count), as: UTF8.self)
    }

    /// Cuts ` name="k" string="true">value` into its head and its value.
    static func split(parameter: String) -> (head: ParameterHead, value: String)? {
        let text = Array(parameter.utf8)
        for position in text.indices {
            for (mark, isString) in [(afterStringKey, true), (afterJSONKey, false)]
            where text[position...].starts(with: mark.utf8) {
                guard let key = name(String(decoding: text[..<position], as: UTF8.self)) else {
                    return nil
                }
                let value = text[(position + mark.utf8.count)...]
                return (
                    ParameterHead(key: key, isString: isString),
                    String(decoding: value, as: UTF8.self)
                )
            }
        }
        return nil
    }

    static func isJSON(_ text: String) -> Bool {
        (try? JSONValue(parsing: text)) != nil
    }
}

/// The arguments of a call in JSON, put together parameter by parameter.
///
/// Each method gives the text that it adds.
struct DSMLArguments: Sendable {
    private(set) var text = ""
    private var keys: Set<[UInt8]> = []

    func isNew(_ key: String) -> Bool {
        !keys.contains(Array(key.utf8))
    }

    /// Adds a key; its value is appended as it stands.
    @discardableResult
    mutating func begin(_ key: String) -> String {
        keys.insert(Array(key.utf8))
        return append((keys.count == 1 ? "{" : ", ") + JSONValue.string(key).serialized() + ": ")
    }

    @discardableResult
    mutating func end() -> String {
        append(keys.isEmpty ? "{}" : "}")
    }

    @discardableResult
    mutating func append(_ piece: String) -> String {
        text += piece
        return piece
    }
}
