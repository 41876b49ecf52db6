import FathomJSON

/// Reads a whole completion of DeepSeek-V3.2 and accepts nothing but its published format.
///
/// ```swift
/// let message = try CompletionParser(mode: .thinking).parse(
///     "It is simple.</think>Yes.<｜end▁of▁sentence｜>")
/// ```
///
/// Use it where a damaged completion must be noticed: to check training data, to score formats.
/// For answers as they are generated there is ``CompletionStream``, which keeps what is damaged as
/// text and gives the same message for what is not.
///
/// - SeeAlso: `encoding/encoding_dsv32.py` of the model `deepseek-ai/DeepSeek-V3.2`, 2025. More
///   than it, this parser insists that a parameter marked as no string holds JSON, that names are
///   not empty, that a function's name ends its line, and that calls are not cut off.
public struct CompletionParser: Sendable, Hashable {
    /// Whether the completion begins inside of reasoning.
    public var mode: MessageEncoder.Mode

    public init(mode: MessageEncoder.Mode) {
        self.mode = mode
    }

    /// The message of a completion, which must end with the token that ends a turn.
    ///
    /// - Throws: ``CompletionError`` with the first thing that is not as it must be.
    public func parse(_ completion: String) throws(CompletionError) -> AssistantMessage {
        typealias Markup = ModelMarkers.DSML
        var message = AssistantMessage()
        var reader = MarkedText(completion)
        // The model writes a block of calls after an empty line, which belongs to the block.
        let beginOfCalls = "\n\n" + Markup.begin.dropLast()
        if mode == .thinking {
            let (text, marker) = reader.read(
                until: [ModelMarkers.endOfThinking, beginOfCalls])
            guard marker == ModelMarkers.endOfThinking else { throw .reasoningNotClosed }
            message.reasoning = text
        }
        let (text, marker) = reader.read(until: [ModelMarkers.endOfSequence, beginOfCalls])
        message.content = text
        switch marker {
        case nil: throw .missingEnd
        case beginOfCalls:
            message.toolCalls = try calls(&reader)
            // As published, calls are complete without the token that ends the turn.
            let (rest, _) = reader.read(until: [ModelMarkers.endOfSequence])
            guard rest.isEmpty else { throw .textAfterToolCalls(rest) }
        default: break
        }
        let rest = reader.rest
        guard rest.isEmpty else { throw .textAfterEnd(rest) }
        for marker in Self.neverInText
        where message.content.utf8.contains(marker.utf8)
            || message.reasoning.utf8.contains(marker.utf8)
        {
            throw .markerInText(marker)
        }
        return message
    }

    private static let neverInText = [
        ModelMarkers.beginOfSequence, ModelMarkers.endOfSequence, ModelMarkers.beginOfThinking,
        ModelMarkers.endOfThinking, ModelMarkers.DSML.token,
    ]

    /// Reads from behind the name of the block's begin to behind its end.
    private func calls(_ reader: inout MarkedText) throws(CompletionError) -> [ToolCall] {
        typealias Markup = ModelMarkers.DSML
        var calls: [ToolCall] = []
        while true {
            let (gap, marker) = reader.read(until: [Markup.invokeBegin, Markup.end])
            guard let marker else { throw .unfinishedToolCalls(call: calls.count) }
            guard gap == ">\n" else { throw .malformedToolCall(call: calls.count, found: gap) }
            if marker == Markup.end { return calls }
            calls.append(try call(&reader, number: calls.count))
        }
    }

    private func call(
        _ reader: inout MarkedText, number: Int
    ) throws(CompletionError) -> ToolCall {
        typealias Markup = ModelMarkers.DSML
        let endOfCall = String(Markup.invokeEnd.dropLast())
        let endOfParameter = String(Markup.parameterEnd.dropLast())
        let (head, first) = reader.read(until: [Markup.parameterBegin, endOfCall])
        guard var marker = first else { throw .unfinishedToolCalls(call: number) }
        guard let name = DSMLSyntax.functionName(inHead: head) else {
            throw .malformedToolCall(call: number, found: head)
        }
        var arguments = DSMLArguments()
        while marker == Markup.parameterBegin {
            let (text, end) = reader.read(until: [endOfParameter])
            guard end != nil else { throw .unfinishedToolCalls(call: number) }
            guard let (head, value) = DSMLSyntax.split(parameter: text) else {
                throw .malformedToolCall(call: number, found: text)
            }
            guard arguments.isNew(head.key) else {
                throw .duplicateParameter(call: number, name: head.key)
            }
            guard head.isString || DSMLSyntax.isJSON(value) else {
                throw .valueIsNotJSON(call: number, parameter: head.key, found: value)
            }
            arguments.begin(head.key)
            arguments.append(head.isString ? JSONValue.string(value).serialized() : value)
            let (gap, next) = reader.read(until: [Markup.parameterBegin, endOfCall])
            guard let next else { throw .unfinishedToolCalls(call: number) }
            guard gap == ">\n" else { throw .malformedToolCall(call: number, found: gap) }
            marker = next
        }
        arguments.end()
        return ToolCall(name: name, arguments: arguments.text)
    }
}

/// Why a completion is not in the format of DeepSeek-V3.2; calls are counted from 0.
public enum CompletionError: Error, Sendable, Hashable {
    /// No `</think>`, or calls before it.
    case reasoningNotClosed
    /// The token that ends a turn is not there.
    case missingEnd
    /// Text behind the token that ends a turn.
    case textAfterEnd(String)
    /// Text between the calls and the end of the turn.
    case textAfterToolCalls(String)
    /// A marker inside of reasoning or content.
    case markerInText(String)
    /// The text ends inside of calls.
    case unfinishedToolCalls(call: Int)
    /// A call that is not written as it must be.
    case malformedToolCall(call: Int, found: String)
    /// A parameter that a call gives twice.
    case duplicateParameter(call: Int, name: String)
    /// A value that is marked as JSON and is none.
    case valueIsNotJSON(call: Int, parameter: String, found: String)
}

extension CompletionError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .reasoningNotClosed:
            "completion: the reasoning is not closed; expected '\(ModelMarkers.endOfThinking)' "
                + "before the answer"
        case .missingEnd:
            "completion: no '\(ModelMarkers.endOfSequence)' at the end; was it cut off?"
        case .textAfterEnd(let text):
            "completion: '\(text.excerpt)' follows the end of the turn; expected nothing"
        case .textAfterToolCalls(let text):
            "completion: '\(text.excerpt)' follows the calls; expected "
                + "'\(ModelMarkers.endOfSequence)'"
        case .markerInText(let marker):
            "completion: the marker '\(marker)' stands in the text; it has no place there"
        case .unfinishedToolCalls(let call):
            "completion, call \(call): the text ends inside of the calls; was it cut off?"
        case .malformedToolCall(let call, let found):
            "completion, call \(call): found '\(found.excerpt)', which is not how a call is written"
        case .duplicateParameter(let call, let name):
            "completion, call \(call): the parameter '\(name.excerpt)' is given twice"
        case .valueIsNotJSON(let call, let parameter, let found):
            "completion, call \(call): the parameter '\(parameter.excerpt)' is marked "
                + "string=\"false\" and '\(found.excerpt)' is not JSON"
        }
    }
}

/// Text that is read from marker to marker.
private struct MarkedText {
    private let bytes: [UInt8]
    private var offset = 0

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    /// What was not read yet.
    var rest: String { String(decoding: bytes[offset...], as: UTF8.self) }

    /// The text before the nearest of the markers, which is passed over, or all that is left.
    mutating func read(until markers: [String]) -> (text: String, marker: String?) {
        let start = offset
        for position in start..<bytes.count {
            for marker in markers where bytes[position...].starts(with: marker.utf8) {
                offset = position + marker.utf8.count
                return (String(decoding: bytes[start..<position], as: UTF8.self), marker)
            }
        }
        offset = bytes.count
        return (String(decoding: bytes[start...], as: UTF8.self), nil)
    }
}
