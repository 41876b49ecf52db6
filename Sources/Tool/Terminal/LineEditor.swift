#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Reads lines from a terminal with the keys people expect: arrows, history, word moves, paste.
///
/// A line that ends in a backslash goes on in the next; `"""` begins and ends a text of several
/// lines. Pasted text may hold newlines.
struct LineEditor {
    enum Line {
        case text(String)
        /// Ctrl-C on an empty or half-written line.
        case interrupted
        /// Ctrl-D on an empty line, or the end of input.
        case end
    }

    private(set) var history: [String] = []

    /// Lines kept.
    private static let historyLimit = 1000

    init(history: [String] = []) {
        self.history = Array(history.suffix(Self.historyLimit))
    }

    /// Reads one message.
    mutating func read(prompt: String, continuation: String) throws -> Line {
        var collected: [String] = []
        var isQuoted = false
        while true {
            let line = try Terminal.withRawInput {
                try readLine(prompt: collected.isEmpty ? prompt : continuation)
            }
            guard let line else { return .end }
            guard case .text(let text) = line else { return line }
            if isQuoted {
                if text.hasSuffix("\"\"\"") {
                    collected.append(String(text.dropLast(3)))
                    break
                }
                collected.append(text)
            } else if collected.isEmpty, text.hasPrefix("\"\"\"") {
                let rest = text.dropFirst(3)
                if rest.count >= 3, rest.hasSuffix("\"\"\"") {
                    collected.append(String(rest.dropLast(3)))
                    break
                }
                isQuoted = true
                collected.append(String(rest))
            } else if text.hasSuffix("\\") {
                collected.append(String(text.dropLast()))
            } else {
                collected.append(text)
                break
            }
        }
        let message = collected.joined(separator: "\n")
        if !message.isEmpty, history.last != message {
            history.append(message)
            if history.count > Self.historyLimit { history.removeFirst() }
        }
        return .text(message)
    }

    private func readLine(prompt: String) throws -> Line {
        var state = EditedLine(prompt: prompt, history: history)
        StandardOutput.write("\u{1B}[?2004h")
        defer { StandardOutput.write("\u{1B}[?2004l\n") }
        state.draw()
        var keys = KeyReader()
        while let key = try keys.next() {
            switch state.handle(key) {
            case .goOn: break
            case .done(let line):
                state.moveToEnd()
                state.draw()
                return line
            }
        }
        return .end
    }
}

/// A key press, or a whole paste.
enum Key: Equatable {
    case text(String)
    case paste(String)
    case enter, backspace, delete, tab, escape
    case left, right, up, down, home, end, wordLeft, wordRight
    case control(Character)
}

/// Reads keys from a terminal in raw mode.
struct KeyReader {
    private var pending: [UInt8] = []

    mutating func next() throws -> Key? {
        guard let byte = try nextByte() else { return nil }
        switch byte {
        case 0x0d, 0x0a: return .enter
        case 0x09: return .tab
        case 0x7f, 0x08: return .backspace
        case 0x1b: return try escapeSequence()
        case 0x01...0x1a: return .control(Character(UnicodeScalar(byte + 0x60)))
        case 0..<0x20: return .escape
        default: return try character(byte)
        }
    }

    private mutating func character(_ first: UInt8) throws -> Key {
        var bytes = [first]
        let length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
        while bytes.count < length, let byte = try nextByte() { bytes.append(byte) }
        return .text(String(decoding: bytes, as: UTF8.self))
    }

    private mutating func escapeSequence() throws -> Key {
        guard hasInput else { return .escape }
        guard let first = try nextByte() else { return .escape }
        if first == UInt8(ascii: "b") { return .wordLeft }
        if first == UInt8(ascii: "f") { return .wordRight }
        guard first == UInt8(ascii: "[") || first == UInt8(ascii: "O") else { return .escape }
        var parameters = ""
        while let byte = try nextByte() {
            if byte >= 0x40, byte <= 0x7e {
                return try command(Character(UnicodeScalar(byte)), parameters)
            }
            parameters.unicodeScalars.append(UnicodeScalar(byte))
            if parameters.utf8.count > 16 { return .escape }
        }
        return .escape
    }

    private mutating func command(_ letter: Character, _ parameters: String) throws -> Key {
        let moved = parameters.hasSuffix(";5") || parameters.hasSuffix(";3")
        switch letter {
        case "A": return .up
        case "B": return .down
        case "C": return moved ? .wordRight : .right
        case "D": return moved ? .wordLeft : .left
        case "H": return .home
        case "F": return .end
        case "~":
            switch parameters {
            case "1", "7": return .home
            case "4", "8": return .end
            case "3": return .delete
            case "200": return .paste(try pastedText())
            default: return .escape
            }
        default: return .escape
        }
    }

    /// Everything up to the end mark of a bracketed paste.
    private mutating func pastedText() throws -> String {
        let mark = Array("\u{1B}[201~".utf8)
        var bytes: [UInt8] = []
        while let byte = try nextByte() {
            bytes.append(byte)
            if bytes.count >= mark.count, bytes.suffix(mark.count).elementsEqual(mark) {
                bytes.removeLast(mark.count)
                break
            }
        }
        return String(decoding: bytes.map { $0 == 0x0d ? 0x0a : $0 }, as: UTF8.self)
    }

    /// Whether a byte is there now: an escape alone is a key, one followed by more a sequence.
    private var hasInput: Bool {
        if !pending.isEmpty { return true }
        var poller = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
        return poll(&poller, 1, 25) > 0
    }

    private mutating func nextByte() throws -> UInt8? {
        if pending.isEmpty {
            var buffer = [UInt8](repeating: 0, count: 4096)
            var count = 0
            repeat { count = read(0, &buffer, buffer.count) } while count < 0 && errno == EINTR
            guard count >= 0 else {
                throw ToolError("standard input: \(String(cString: strerror(errno)))")
            }
            pending = Array(buffer[..<count].reversed())
        }
        return pending.popLast()
    }
}
