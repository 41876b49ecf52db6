#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The terminal's modes.
enum Terminal {
    /// Keys one by one, unechoed, for as long as `body` runs; `nil` if standard input is no
    /// terminal that can do it.
    static func withRawInput<R>(_ body: () throws -> R) rethrows -> R? {
        var original = termios()
        guard isatty(0) == 1, tcgetattr(0, &original) == 0 else { return nil }
        var raw = original
        cfmakeraw(&raw)
        // Output keeps its newlines.
        raw.c_oflag = original.c_oflag
        guard tcsetattr(0, TCSAFLUSH, &raw) == 0 else { return nil }
        defer { tcsetattr(0, TCSAFLUSH, &original) }
        return try body()
    }

    /// Columns of the terminal; 80 where it does not say.
    static var width: Int {
        var size = winsize()
        guard ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// Whether colours are wanted: on a terminal, and `NO_COLOR` not set (no-color.org).
    static var hasColour: Bool {
        StandardOutput.isTerminal && Machine.environment("NO_COLOR") == nil
            && Machine.environment("TERM") != "dumb"
    }

    /// Text in a dim style, where colours are wanted.
    static func dim(_ text: String) -> String {
        hasColour ? "\u{1B}[2m\(text)\u{1B}[0m" : text
    }

    /// Text whose control characters cannot command a terminal: they are spelled out, but for
    /// line ends and tabs.
    static func printable(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            if isControl(scalar) {
                result += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// Text of a model: printable on a terminal, as it is elsewhere.
    static func safe(_ text: String) -> String {
        StandardOutput.isTerminal ? printable(text) : text
    }

    private static func isControl(_ scalar: UnicodeScalar) -> Bool {
        scalar.properties.generalCategory == .control && scalar != "\n" && scalar != "\t"
            && scalar != "\r"
    }
}
