/// A line while it is being edited, and its picture on the terminal.
struct EditedLine {
    enum Outcome {
        case goOn
        case done(LineEditor.Line)
    }

    private let prompt: String
    private var characters: [Character] = []
    private var cursor = 0
    private let history: [String]
    private var historyIndex: Int
    /// What was being written before the history was looked at.
    private var draft = ""
    /// The terminal row of the cursor below the prompt's first.
    private var cursorRow = 0

    init(prompt: String, history: [String]) {
        self.prompt = prompt
        self.history = history
        historyIndex = history.count
    }

    private var text: String { String(characters) }

    mutating func handle(_ key: Key) -> Outcome {
        switch key {
        case .enter: return .done(.text(text))
        case .control("c"): return .done(.interrupted)
        case .control("d"):
            if characters.isEmpty { return .done(.end) }
            delete()
        case .text(let text), .paste(let text): insert(text)
        case .tab: insert("    ")
        case .backspace:
            if cursor > 0 {
                cursor -= 1
                characters.remove(at: cursor)
            }
        case .delete: delete()
        case .left, .control("b"): cursor = max(0, cursor - 1)
        case .right, .control("f"): cursor = min(characters.count, cursor + 1)
        case .home, .control("a"): cursor = 0
        case .end, .control("e"): cursor = characters.count
        case .wordLeft: cursor = wordStart
        case .wordRight: cursor = wordEnd
        case .up, .control("p"): recall(historyIndex - 1)
        case .down, .control("n"): recall(historyIndex + 1)
        case .control("u"):
            characters.removeSubrange(..<cursor)
            cursor = 0
        case .control("k"): characters.removeSubrange(cursor...)
        case .control("w"):
            let start = wordStart
            characters.removeSubrange(start..<cursor)
            cursor = start
        case .control("l"):
            StandardOutput.write("\u{1B}[H\u{1B}[2J")
            cursorRow = 0
        case .control, .escape: return .goOn
        }
        draw()
        return .goOn
    }

    mutating func moveToEnd() {
        cursor = characters.count
    }

    private mutating func insert(_ text: String) {
        let new = Array(text)
        characters.insert(contentsOf: new, at: cursor)
        cursor += new.count
    }

    private mutating func delete() {
        if cursor < characters.count { characters.remove(at: cursor) }
    }

    private mutating func recall(_ index: Int) {
        guard index >= 0, index <= history.count, index != historyIndex else { return }
        if historyIndex == history.count { draft = text }
        historyIndex = index
        characters = Array(index == history.count ? draft : history[index])
        cursor = characters.count
    }

    private var wordStart: Int {
        var index = cursor
        while index > 0, characters[index - 1].isWhitespace { index -= 1 }
        while index > 0, !characters[index - 1].isWhitespace { index -= 1 }
        return index
    }

    private var wordEnd: Int {
        var index = cursor
        while index < characters.count, characters[index].isWhitespace { index += 1 }
        while index < characters.count, !characters[index].isWhitespace { index += 1 }
        return index
    }

    /// Writes prompt and text again and puts the cursor in its place.
    mutating func draw() {
        let width = max(8, Terminal.width)
        var output = "\r"
        if cursorRow > 0 { output += "\u{1B}[\(cursorRow)A" }
        output += "\u{1B}[J" + prompt
        var (row, column) = (0, prompt.count % width)
        var place = (row: row, column: column)
        for (index, character) in characters.enumerated() {
            if index == cursor { place = (row, column) }
            if character == "\n" {
                output += "\r\n"
                (row, column) = (row + 1, 0)
                continue
            }
            let cells = character.cellCount
            if column + cells > width { (row, column) = (row + 1, 0) }
            output.append(character)
            column += cells
        }
        if cursor == characters.count { place = (row, column) }
        // A full last column leaves the cursor hanging at the edge: make it wrap.
        if column >= width {
            output += "\r\n"
            (row, column) = (row + 1, 0)
            if cursor == characters.count { place = (row, column) }
        }
        if row > place.row { output += "\u{1B}[\(row - place.row)A" }
        output += "\r"
        if place.column > 0 { output += "\u{1B}[\(place.column)C" }
        cursorRow = place.row
        StandardOutput.write(output)
    }
}

extension Character {
    /// Cells the character takes on a terminal: 2 for wide East Asian characters and emoji.
    fileprivate var cellCount: Int {
        guard let scalar = unicodeScalars.first else { return 0 }
        switch scalar.value {
        case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0xa4cf, 0xac00...0xd7a3, 0xf900...0xfaff,
            0xfe30...0xfe6f, 0xff00...0xff60, 0xffe0...0xffe6, 0x1f300...0x1faff,
            0x20000...0x3fffd:
            return 2
        default: return 1
        }
    }
}
