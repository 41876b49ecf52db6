/// Text that was received and not yet understood, searched for markers that may still be arriving.
struct MarkerBuffer: Sendable {
    /// A marker in UTF-8.
    struct Marker: Sendable {
        let bytes: [UInt8]
        /// Where in it a token must begin that was given as a marker; letters that say the same
        /// are text.
        var tokenStarts: [Int] = []

        var count: Int { bytes.count }
    }

    enum Match: Hashable {
        /// Which marker was found, and how many bytes stand before it.
        case found(marker: Int, length: Int)
        /// No marker, and how many bytes can be no part of one.
        case missing(safeLength: Int)
    }

    enum Beginning: Hashable {
        case yes, no
        /// It does as far as it has arrived.
        case undecided
    }

    private var bytes: [UInt8] = []
    private var start = 0
    /// Where the search for the current markers goes on: none begins before.
    private var searched = 0
    /// Where tokens begin that are markers or parts of one.
    private var tokenStarts: [Int] = []

    var count: Int { bytes.count - start }
    var isEmpty: Bool { count == 0 }

    mutating func append(_ text: String, isMarker: Bool = false) {
        if start > 0 {
            bytes.removeFirst(start)
            searched -= start
            tokenStarts = tokenStarts.compactMap { $0 < start ? nil : $0 - start }
            start = 0
        }
        if isMarker { tokenStarts.append(bytes.count) }
        bytes.append(contentsOf: text.utf8)
    }

    /// Takes bytes from the front.
    mutating func take(_ length: Int) -> ArraySlice<UInt8> {
        let end = start + min(length, count)
        defer {
            start = end
            searched = end
        }
        return bytes[start..<end]
    }

    /// Makes the next search begin at the front, for other markers than the last.
    mutating func rewind() {
        searched = start
    }

    /// Finds the marker that begins first; of two at one place, the one that is listed first.
    ///
    /// Until something is taken or the search rewound, every search must be for the same markers:
    /// it goes on where the last one ended.
    mutating func search(for markers: [Marker]) -> Match {
        while searched < bytes.count {
            var isPrefix = false
            for (index, marker) in markers.enumerated() {
                switch beginning(marker, at: searched) {
                case .yes: return .found(marker: index, length: searched - start)
                case .undecided: isPrefix = true
                case .no: break
                }
            }
            if isPrefix { return .missing(safeLength: searched - start) }
            searched += 1
        }
        return .missing(safeLength: count)
    }

    /// Whether the text begins with a marker.
    func begins(with marker: Marker) -> Beginning {
        beginning(marker, at: start)
    }

    /// How much white space the text begins with.
    var leadingWhitespace: Int {
        bytes[start...].prefix { Self.whitespace.contains($0) }.count
    }

    /// Whether the text, after some bytes, begins with a marker.
    func begins(with marker: Marker, after length: Int) -> Beginning {
        beginning(marker, at: min(start + length, bytes.count))
    }

    private func beginning(_ marker: Marker, at position: Int) -> Beginning {
        let available = bytes.count - position
        for (offset, byte) in marker.bytes.enumerated() {
            guard offset < available else { return .undecided }
            guard bytes[position + offset] == byte else { return .no }
            if marker.tokenStarts.contains(offset), !tokenStarts.contains(position + offset) {
                return .no
            }
        }
        return .yes
    }

    private static let whitespace = Set(" \n\r\t".utf8)
}
