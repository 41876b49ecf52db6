/// Collects the elements of a drawing.
package struct SVGCanvas {
    /// How a text is set.
    package enum TextStyle: String {
        case title, heading, plain, small, number
    }

    private let width: Int
    private var elements: [String] = []

    package init(width: Int) { self.width = width }

    package mutating func rectangle(
        x: Int, y: Int, width: Int, height: Int, class name: String, radius: Int = 4
    ) {
        elements.append(
            "<rect class=\"\(name)\" x=\"\(x)\" y=\"\(y)\" width=\"\(width)\" height=\"\(height)\" "
                + "rx=\"\(radius)\"/>")
    }

    /// A line downward with a head.
    mutating func arrow(x: Int, from: Int, to: Int) {
        elements.append("<path class=\"arrow\" d=\"M\(x) \(from)V\(to - 5)\"/>")
        elements.append(
            "<path class=\"arrowhead\" d=\"M\(x - 4) \(to - 6)h8l-4 6z\"/>")
    }

    /// Lines from point to point.
    package mutating func line(_ points: [(x: Int, y: Int)], class name: String) {
        let places = points.map { "\($0.x),\($0.y)" }.joined(separator: " ")
        elements.append("<polyline class=\"\(name)\" points=\"\(places)\"/>")
    }

    /// A filled circle, which says a text when it is pointed at.
    package mutating func dot(x: Int, y: Int, class name: String, saying text: String) {
        elements.append(
            "<circle class=\"\(name)\" cx=\"\(x)\" cy=\"\(y)\" r=\"4\">"
                + "<title>\(Self.escaped(text))</title></circle>")
    }

    /// A text whose base line is at `y`; `endsAt` sets it flush right.
    package mutating func text(
        _ text: String, x: Int, y: Int, _ style: TextStyle = .plain, isFlushRight: Bool = false
    ) {
        let anchor = isFlushRight ? " text-anchor=\"end\"" : ""
        elements.append(
            "<text class=\"\(style.rawValue)\" x=\"\(x)\" y=\"\(y)\"\(anchor)>"
                + "\(Self.escaped(text))</text>")
    }

    /// The drawing as one document without references to anything outside.
    package func document(height: Int, title: String, description: String) -> String {
        """
        <svg xmlns="http://www.w3.org/2000/svg" width="\(width)" height="\(height)" \
        viewBox="0 0 \(width) \(height)" role="img">
        <title>\(Self.escaped(title))</title>
        <desc>\(Self.escaped(description))</desc>
        <style>\(Self.style)</style>
        <rect class="page" width="\(width)" height="\(height)"/>
        \(elements.joined(separator: "\n"))
        </svg>

        """
    }

    private static let style = """
        text{font-family:system-ui,-apple-system,"Segoe UI",sans-serif;fill:#1d2733}\
        .title{font-size:20px;font-weight:600}.heading{font-size:15px;font-weight:600}\
        .plain{font-size:13px}.small{font-size:12px;fill:#5a6b7d}\
        .number{font-size:13px;font-variant-numeric:tabular-nums}\
        .page{fill:#fff}.box{fill:#f4f7fa;stroke:#b8c4d0}.behind{fill:#e8edf3;stroke:#cdd6df}\
        .part{fill:#fff;stroke:#d5dde5}.expert{fill:#dbe4ee}.chosen{fill:#2f6fde}\
        .shared{fill:#e08a1e}.bar{fill:#2f6fde}.other{fill:#b8c4d0}\
        .axis{stroke:#8393a3;fill:none}.grid{stroke:#e8edf3;fill:none}\
        .front{stroke:#2f6fde;stroke-width:2;fill:none}\
        .arrow{stroke:#8393a3;stroke-width:1.5;fill:none}.arrowhead{fill:#8393a3}
        """

    /// Text as it may stand in an element: names may come out of files.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            // XML has no way to write other control characters.
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{FFFE}", "\u{FFFF}": result += " "
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
