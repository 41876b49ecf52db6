/// The tokens of a vocabulary that are markers of an answer, or parts of one.
///
/// What a vocabulary has as a token is a marker only as that token: an answer that quotes `</think>`
/// in plain letters stays whole, and a string in a call's arguments may name what ends calls.
public struct MarkerTokens: Sendable, Hashable {
    private var names: [Int32: String] = [:]

    /// Finds the tokens that mean something in answers with a format for calls.
    public init(_ tokenizer: Tokenizer, toolCalls: ToolCallFormat = .none) {
        typealias Calls = ModelMarkers.Calls
        let calls =
            switch toolCalls {
            case .none: [] as [String]
            case .fenced, .inline:
                [Calls.begin, Calls.end, Calls.callBegin, Calls.callEnd, Calls.separator]
            case .dsml: [ModelMarkers.DSML.token]
            }
        for name in [ModelMarkers.beginOfThinking, ModelMarkers.endOfThinking] + calls {
            // A token that content can become would be no marker.
            guard let id = tokenizer.id(of: name), tokenizer.isReserved(id) else { continue }
            names[id] = name
        }
    }

    /// What a token writes, if it is one of these.
    public func name(of id: Int32) -> String? { names[id] }

    /// Where a prompt's tokens leave the answer: in reasoning if they begin some and do not end it.
    public func opening(after prompt: [Int32]) -> CompletionStream.Opening {
        for id in prompt.reversed() {
            switch names[id] {
            case ModelMarkers.beginOfThinking: return .reasoning
            case ModelMarkers.endOfThinking: return .content
            default: continue
            }
        }
        return .content
    }

    /// Where these tokens begin in a marker's text, in bytes.
    ///
    /// The end of a turn is never given as text, so that letters which spell it are none.
    func starts(in marker: String) -> [Int] {
        let text = Array(marker.utf8)
        return text.indices.filter { start in
            (names.values + [ModelMarkers.endOfSequence]).contains {
                text[start...].starts(with: $0.utf8)
            }
        }
    }
}
