import FathomJSON

/// A message as the encoder of DeepSeek-V3.2 needs it, read from JSON and checked.
struct EncodedMessage {
    enum Role: String {
        case system, developer, user, assistant, tool
    }

    struct Call {
        let name: String
        let parameters: [PythonJSON.Pair]
    }

    let role: Role
    private(set) var content = ""
    private(set) var reasoning = ""
    private(set) var calls: [Call] = []
    /// The functions among the tools, without the envelope around each.
    private(set) var tools: [JSONValue] = []
    private(set) var responseFormat: JSONValue?

    init(_ json: JSONValue, index: Int) throws(MessageEncodingError) {
        guard let object = json.objectValue else {
            throw .wrongType(
                message: index, field: "messages", found: json.kindDescription,
                expected: "objects")
        }
        let fields = Fields(object, message: index)
        guard let name = try fields.text("role") else {
            throw .missingField(message: index, field: "role")
        }
        guard let role = Role(rawValue: name) else {
            throw .unknownRole(message: index, role: name)
        }
        self.role = role
        let text = try fields.text("content")
        switch role {
        case .user, .tool:
            guard let text else { throw .missingField(message: index, field: "content") }
            content = text
        case .system, .developer:
            content = text ?? ""
            for (position, tool) in try fields.list("tools").enumerated() {
                tools.append(
                    .object(
                        try Fields(tool, message: index, path: "tools[\(position)].")
                            .requiredObject("function")))
            }
            responseFormat = try fields.responseFormat()
        case .assistant:
            content = text ?? ""
            reasoning = try fields.text("reasoning_content") ?? ""
            for (position, call) in try fields.list("tool_calls").enumerated() {
                let path = "tool_calls[\(position)]."
                let function = Fields(
                    try Fields(call, message: index, path: path).requiredObject("function"),
                    message: index, path: path + "function.")
                calls.append(try function.call())
            }
        }
    }
}

/// The fields of an object that stands somewhere in a message.
private struct Fields {
    let object: JSONObject
    let message: Int
    let path: String

    init(_ object: JSONObject, message: Int, path: String = "") {
        self.object = object
        self.message = message
        self.path = path
    }

    private func value(_ field: String) -> JSONValue? {
        guard let value = object[field], !value.isNull else { return nil }
        return value
    }

    private func wrongType(
        _ field: String, _ value: JSONValue, expected: String
    ) -> MessageEncodingError {
        .wrongType(
            message: message, field: path + field, found: value.kindDescription,
            expected: expected)
    }

    /// A string, or nil where there is none or null.
    func text(_ field: String) throws(MessageEncodingError) -> String? {
        guard let value = value(field) else { return nil }
        guard let text = value.stringValue else {
            throw wrongType(field, value, expected: "a string")
        }
        return text
    }

    /// The objects of an array, which may be missing.
    func list(_ field: String) throws(MessageEncodingError) -> [JSONObject] {
        guard let value = value(field) else { return [] }
        guard let elements = value.arrayValue else {
            throw wrongType(field, value, expected: "an array")
        }
        var objects: [JSONObject] = []
        for (position, element) in elements.enumerated() {
            guard let object = element.objectValue else {
                throw wrongType("\(field)[\(position)]", element, expected: "an object")
            }
            objects.append(object)
        }
        return objects
    }

    func requiredObject(_ field: String) throws(MessageEncodingError) -> JSONObject {
        guard let value = value(field) else {
            throw .missingField(message: message, field: path + field)
        }
        guard let object = value.objectValue else {
            throw wrongType(field, value, expected: "an object")
        }
        return object
    }

    /// A schema, or nil where there is none or an empty one.
    func responseFormat() throws(MessageEncodingError) -> JSONValue? {
        guard let value = value("response_format") else { return nil }
        guard let object = value.objectValue else {
            throw wrongType("response_format", value, expected: "an object")
        }
        // Not `? nil :`, where nil would be the JSON value null.
        if object.isEmpty { return nil }
        return value
    }

    /// The name and arguments of a function, which come as text or as an object.
    func call() throws(MessageEncodingError) -> EncodedMessage.Call {
        guard let name = try text("name") else {
            throw .missingField(message: message, field: path + "name")
        }
        let arguments = value("arguments")
        switch arguments {
        case nil:
            throw .missingField(message: message, field: path + "arguments")
        case .object(let object):
            let pairs = object.map { key, value in
                PythonJSON.Pair(
                    key: key, value: value.stringValue ?? value.serialized(.python),
                    isString: value.stringValue != nil)
            }
            return EncodedMessage.Call(name: name, parameters: pairs)
        case .string(let text):
            let pairs: [PythonJSON.Pair]?
            do {
                pairs = try PythonJSON.pairs(ofObject: text)
            } catch {
                throw .malformedArguments(message: message, function: name, reason: error)
            }
            guard let pairs else {
                throw .wrongType(
                    message: message, field: path + "arguments", found: "JSON of another kind",
                    expected: "the JSON of an object")
            }
            return EncodedMessage.Call(name: name, parameters: pairs)
        case let other?:
            throw wrongType("arguments", other, expected: "an object or its JSON text")
        }
    }
}
