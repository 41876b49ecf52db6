/// A place in a text.
public enum Cursor: Sendable, Hashable {
    /// Behind a number of bytes of UTF-8.
    case utf8(Int)
    /// In a line, behind a number of UTF-16 units of it, both counted from 0, as editors that
    /// speak the Language Server Protocol count. Lines end with `\n`, `\r\n` or `\r`.
    case line(Int, utf16Column: Int)
}

extension Cursor: CustomStringConvertible {
    public var description: String {
        switch self {
        case .utf8(let offset): "the cursor at byte \(offset)"
        case .line(let line, let column): "the cursor at line \(line), column \(column)"
        }
    }
}

extension FillInMiddle {
    /// Cuts a whole text at a cursor; the parts joined are the text.
    ///
    /// - Throws: ``FillInMiddleError`` if the cursor is outside of the text or inside of a
    ///   character of Unicode.
    public static func split(
        _ text: String, at cursor: Cursor
    ) throws(FillInMiddleError) -> (prefix: String, suffix: String) {
        let position: String.Index
        switch cursor {
        case .utf8(let offset):
            let limit = text.utf8.count
            guard (0...limit).contains(offset) else {
                throw .cursorOutOfRange(cursor, limit: "\(limit) bytes")
            }
            position = text.utf8.index(text.startIndex, offsetBy: offset)
        case .line(let line, let column):
            position = try index(in: text, line: line, column: column, cursor)
        }
        guard let place = position.samePosition(in: text.unicodeScalars) else {
            throw .cursorInsideCharacter(cursor)
        }
        return (
            String(text.unicodeScalars[..<place]), String(text.unicodeScalars[place...])
        )
    }

    private static func index(
        in text: String, line: Int, column: Int, _ cursor: Cursor
    ) throws(FillInMiddleError) -> String.Index {
        let units = text.utf16
        let (lineFeed, carriageReturn): (UInt16, UInt16) = (0x0A, 0x0D)
        var start = units.startIndex
        var number = 0
        while true {
            let end = units[start...].firstIndex { $0 == lineFeed || $0 == carriageReturn }
            if number == line {
                let length = units.distance(from: start, to: end ?? units.endIndex)
                guard (0...length).contains(column) else {
                    throw .cursorOutOfRange(cursor, limit: "\(length) columns in that line")
                }
                return units.index(start, offsetBy: column)
            }
            number += 1
            guard let end else {
                throw .cursorOutOfRange(cursor, limit: "\(number) lines")
            }
            start = units.index(after: end)
            if units[end] == carriageReturn, start < units.endIndex, units[start] == lineFeed {
                start = units.index(after: start)
            }
        }
    }
}
