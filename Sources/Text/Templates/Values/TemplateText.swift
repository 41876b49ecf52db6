/// Who wrote a piece of text: the template and what it trusts, or anybody else.
enum TemplateOrigin: UInt8, Sendable, Hashable {
    case template
    case content

    /// The origin of something made of both: content wins.
    static func | (a: TemplateOrigin, b: TemplateOrigin) -> TemplateOrigin {
        a == .content || b == .content ? .content : .template
    }
}

/// A string of the interpreter: UTF-8 that remembers, byte by byte, who wrote it.
///
/// Compared and searched by its bytes, as Python compares code points, and not by canonical
/// equivalence as Swift strings are. Positions given to and by templates count code points.
struct TemplateText: Sendable {
    /// A stretch of one origin, up to where it ends.
    struct Run: Sendable {
        var end: Int
        var origin: TemplateOrigin
    }

    private(set) var bytes: [UInt8]
    /// The origin of all bytes while there are no `runs`.
    private var origin: TemplateOrigin
    /// Stretches that cover the bytes, neighbours of different origin; empty for a single origin.
    private var runs: [Run] = []

    /// Makes text of one origin from valid UTF-8.
    init(_ bytes: [UInt8], _ origin: TemplateOrigin = .template) {
        self.bytes = bytes
        self.origin = origin
    }

    init(_ text: String, _ origin: TemplateOrigin = .template) {
        self.init(Array(text.utf8), origin)
    }

    init() {
        self.init([], .template)
    }

    var count: Int { bytes.count }
    var isEmpty: Bool { bytes.isEmpty }
    var string: String { String(decoding: bytes, as: UTF8.self) }

    /// What going through the text costs: code points beyond ASCII take longer.
    var workUnits: Int {
        let isASCII = bytes.allSatisfy { $0 < 0x80 }
        return bytes.count.multipliedClamped(by: isASCII ? 4 : 48)
    }

    /// Whether any byte is content.
    var overallOrigin: TemplateOrigin {
        runs.isEmpty ? (bytes.isEmpty ? .template : origin) : .content
    }

    /// The stretches of one origin, in order.
    var stretches: [(range: Range<Int>, origin: TemplateOrigin)] {
        guard !runs.isEmpty else { return bytes.isEmpty ? [] : [(0..<bytes.count, origin)] }
        var start = 0
        return runs.map { run in
            defer { start = run.end }
            return (start..<run.end, run.origin)
        }
    }

    mutating func reserveCapacity(_ count: Int) {
        bytes.reserveCapacity(count)
    }

    mutating func append(_ other: TemplateText) {
        guard !other.bytes.isEmpty else { return }
        guard !bytes.isEmpty else {
            bytes.append(contentsOf: other.bytes)
            origin = other.origin
            runs = other.runs
            return
        }
        if other.runs.isEmpty {
            append(other.bytes, other.origin)
            return
        }
        let offset = bytes.count
        bytes.append(contentsOf: other.bytes)
        openRuns(at: offset)
        for run in other.runs {
            extendRuns(to: offset + run.end, run.origin)
        }
    }

    mutating func append(_ more: some Collection<UInt8>, _ moreOrigin: TemplateOrigin) {
        guard !more.isEmpty else { return }
        let offset = bytes.count
        bytes.append(contentsOf: more)
        if offset == 0 {
            origin = moreOrigin
        } else if !runs.isEmpty || origin != moreOrigin {
            openRuns(at: offset)
            extendRuns(to: bytes.count, moreOrigin)
        }
    }

    mutating func append(_ byte: UInt8, _ byteOrigin: TemplateOrigin) {
        append(CollectionOfOne(byte), byteOrigin)
    }

    private mutating func openRuns(at offset: Int) {
        if runs.isEmpty { runs.append(Run(end: offset, origin: origin)) }
    }

    private mutating func extendRuns(to end: Int, _ origin: TemplateOrigin) {
        if let last = runs.indices.last, runs[last].origin == origin {
            runs[last].end = end
        } else {
            runs.append(Run(end: end, origin: origin))
        }
    }

    /// The text of a range of bytes, which must begin and end between code points.
    subscript(range: Range<Int>) -> TemplateText {
        guard range.count < bytes.count else { return self }
        var part = TemplateText(Array(bytes[range]), origin)
        guard !runs.isEmpty, !range.isEmpty else { return part }
        var index = runIndex(at: range.lowerBound)
        part.origin = runs[index].origin
        if runs[index].end < range.upperBound {
            part.runs = []
            while index < runs.count {
                let end = min(runs[index].end, range.upperBound)
                part.runs.append(Run(end: end - range.lowerBound, origin: runs[index].origin))
                if end == range.upperBound { break }
                index += 1
            }
        }
        return part
    }

    /// The index of the run that holds a byte.
    private func runIndex(at offset: Int) -> Int {
        var low = 0
        var high = runs.count - 1
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].end > offset { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// The origin of a byte.
    func origin(at offset: Int) -> TemplateOrigin {
        runs.isEmpty ? origin : runs[runIndex(at: offset)].origin
    }

    /// The text with every stretch of one origin replaced by what `transform` makes of it.
    func mapStretches(_ transform: (ArraySlice<UInt8>, Range<Int>) -> [UInt8]) -> TemplateText {
        var result = TemplateText()
        for (range, origin) in stretches {
            result.append(transform(bytes[range], range), origin)
        }
        return result
    }

    /// Copies of the text one after the other.
    func repeated(_ times: Int) -> TemplateText {
        guard times > 0, !bytes.isEmpty else { return TemplateText() }
        var result = TemplateText()
        result.reserveCapacity(bytes.count * times)
        for _ in 0..<times { result.append(self) }
        return result
    }
}

extension TemplateText: Equatable {
    /// Whether the bytes are the same, whoever wrote them.
    static func == (a: TemplateText, b: TemplateText) -> Bool {
        a.bytes == b.bytes
    }

    /// Whether `a` comes before `b` in the order of code points, which is that of UTF-8 bytes.
    static func < (a: TemplateText, b: TemplateText) -> Bool {
        a.bytes.lexicographicallyPrecedes(b.bytes)
    }
}
