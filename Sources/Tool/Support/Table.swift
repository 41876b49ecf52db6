/// Text in columns.
enum Table {
    /// Rows as lines, each column as wide as its widest cell, two spaces apart.
    ///
    /// Cells may come out of files: their control characters are spelled out.
    static func lines(_ rows: [[String]], indent: String = "  ") -> [String] {
        let rows = rows.map { $0.map(Terminal.printable) }
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            var line = indent
            for (column, cell) in row.enumerated() {
                line += cell
                if column < row.count - 1 {
                    line += String(repeating: " ", count: widths[column] - cell.count + 2)
                }
            }
            return line
        }
    }
}
