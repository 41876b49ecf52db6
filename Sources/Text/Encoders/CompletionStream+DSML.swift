import FathomJSON

/// Reading the parameters of V3.2's calls.
extension CompletionStream {
    mutating func stepBetweenParameters() -> Bool {
        let space = input.leadingWhitespace
        guard space < input.count else { return false }
        var isUndecided = false
        for (which, marker) in [syntax.parameterBegin, syntax.callEnd].enumerated() {
            switch input.begins(with: marker, after: space) {
            case .no: continue
            case .undecided:
                isUndecided = true
                continue
            case .yes: break
            }
            consume(space + marker.count)
            if which == 1 {
                report(open?.arguments.end())
                finishCall()
            } else {
                state = .parameterHead
            }
            return true
        }
        if isUndecided { return false }
        abandonBlock()
        return true
    }

    mutating func stepParameterHead() -> Bool {
        switch input.begins(with: CallSyntax.beforeName) {
        case .yes: break
        case .undecided: return false
        case .no:
            abandonBlock()
            return true
        }
        return stepName(until: CallSyntax.afterKey, valid: 2) { stream, length in
            let before = CallSyntax.beforeName.count
            guard length > before else { return stream.abandonBlock() }
            let position = stream.raw.count
            stream.consume(length)
            let key = String(decoding: stream.raw[(position + before)...], as: UTF8.self)
            let isString = stream.input.begins(with: CallSyntax.afterKey[0]) == .yes
            stream.consume(CallSyntax.afterKey[isString ? 0 : 1].count)
            guard stream.open?.arguments.isNew(key) == true else { return stream.abandonBlock() }
            stream.report(stream.open?.arguments.begin(key))
            if isString {
                stream.report(stream.open?.arguments.append("\""))
                stream.state = .stringValue
            } else {
                stream.state = .jsonValue
            }
        }
    }

    /// Text is passed on as it comes.
    mutating func stepStringValue() -> Bool {
        switch input.search(for: [syntax.parameterEnd]) {
        case .missing(let length):
            takeString(length)
            return false
        case .found(_, let length):
            takeString(length)
            consume(syntax.parameterEnd.count)
            report(open?.arguments.append("\""))
            state = .betweenParameters
            return true
        }
    }

    private mutating func takeString(_ length: Int) {
        guard length > 0 else { return }
        let position = raw.count
        consume(length)
        let text = String(decoding: raw[position...], as: UTF8.self)
        let quoted = JSONValue.string(text).serialized()
        report(open?.arguments.append(String(quoted.utf8.dropFirst().dropLast()) ?? ""))
    }

    /// JSON is passed on when it is whole, and only if it is JSON.
    mutating func stepJSONValue() -> Bool {
        guard case .found(_, let length) = input.search(for: [syntax.parameterEnd]) else {
            return false
        }
        let position = raw.count
        consume(length)
        let value = String(decoding: raw[position...], as: UTF8.self)
        consume(syntax.parameterEnd.count)
        if DSMLSyntax.isJSON(value) {
            report(open?.arguments.append(value))
            state = .betweenParameters
        } else {
            abandonBlock()
        }
        return true
    }
}
