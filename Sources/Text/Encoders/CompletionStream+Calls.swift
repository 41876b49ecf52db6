import FathomJSON

/// Reading the calls of V2.5, V3, R1 and V3.1, and what all formats have in common.
extension CompletionStream {
    mutating func stepBetweenCalls() -> Bool {
        let space = input.leadingWhitespace
        guard space < input.count else { return false }
        var isUndecided = false
        let markers = [syntax.callBegin, syntax.blockEnd, syntax.endOfSequence]
        for (which, marker) in markers.enumerated() {
            switch input.begins(with: marker, after: space) {
            case .no: continue
            case .undecided:
                isUndecided = true
                continue
            case .yes: break
            }
            if which == 0 {
                consume(space + marker.count)
                state = syntax.format == .fenced ? .callKind : .callName
            } else if which == 1 {
                _ = input.take(space + marker.count)
                raw = []
                state = .content
            } else if hasCalls {
                // Some templates leave the end of the block out after a single call.
                _ = input.take(space + marker.count)
                raw = []
                state = .ended(wasReasoning: false)
            } else {
                abandonBlock()
            }
            return true
        }
        if isUndecided { return false }
        abandonBlock()
        return true
    }

    /// The kind of a fenced call, which is `function` and says nothing.
    mutating func stepKind() -> Bool {
        stepName(until: syntax.afterKind, valid: 1) { stream, length in
            stream.consume(length + stream.syntax.afterKind[0].count)
            stream.state = .callName
        }
    }

    mutating func stepName() -> Bool {
        if syntax.format == .dsml {
            switch input.begins(with: CallSyntax.beforeName) {
            case .yes: break
            case .undecided: return false
            case .no:
                abandonBlock()
                return true
            }
        }
        let before = syntax.format == .dsml ? CallSyntax.beforeName.count : 0
        return stepName(until: syntax.afterName, valid: 1) { stream, length in
            guard length > before else { return stream.abandonBlock() }
            let position = stream.raw.count
            stream.consume(length)
            let name = stream.raw[(position + before)...]
            stream.consume(stream.syntax.afterName[0].count)
            stream.start(name)
            stream.state = stream.syntax.format == .dsml ? .betweenParameters : .callArguments
        }
    }

    /// Looks for the end of something that must be short: one of the first `valid` markers. The
    /// others, like too many bytes, say that there is none.
    mutating func stepName(
        until markers: [MarkerBuffer.Marker], valid: Int,
        then read: (inout CompletionStream, _ length: Int) -> Void
    ) -> Bool {
        switch input.search(for: markers) {
        case .found(let marker, let length):
            if marker < valid, length <= Self.maximumNameBytes {
                read(&self, length)
            } else {
                abandonBlock()
            }
            return true
        case .missing(let length):
            guard length > Self.maximumNameBytes else { return false }
            abandonBlock()
            return true
        }
    }

    mutating func stepArguments() -> Bool {
        // Without its fence, the end of a call ends none.
        let markers = [syntax.callEnd, syntax.bareCallEnd]
        switch input.search(for: markers) {
        case .missing(let length):
            takeArguments(length)
            return false
        case .found(let marker, let length):
            takeArguments(length)
            consume(markers[marker].count)
            if marker == 0, let text = open?.arguments.text, Self.isObject(text) {
                finishCall()
            } else {
                abandonBlock()
            }
            return true
        }
    }

    private mutating func takeArguments(_ length: Int) {
        let position = raw.count
        consume(length)
        let text = String(decoding: raw[position...], as: UTF8.self)
        report(open?.arguments.append(text))
    }

    private static func isObject(_ text: String) -> Bool {
        guard let value = try? JSONValue(parsing: text) else { return false }
        return value.objectValue != nil
    }
}
