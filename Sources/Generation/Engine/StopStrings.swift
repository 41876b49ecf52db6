/// Ends an answer at a stop string, however its characters are spread over tokens.
///
/// Text that may be the beginning of a stop string is held back until it is clear whether it is.
/// So a stop string is never shown, and text that merely begins like one is never lost. The one
/// that is complete first counts, of several the longest: where tokens end makes no difference.
package struct StopStrings {
    private let stops: [[UInt8]]
    private var held: [UInt8] = []

    package init(_ stops: [String]) {
        self.stops = stops.map { Array($0.utf8) }.filter { !$0.isEmpty }
    }

    /// Takes the next text and gives what may be shown, and whether a stop string was met.
    package mutating func append(_ text: String) -> (shown: String, isStopped: Bool) {
        guard !stops.isEmpty else { return (text, false) }
        held += text.utf8
        if let cut = firstStop() {
            let shown = String(decoding: held[..<cut], as: UTF8.self)
            held = []
            return (shown, true)
        }
        let keep = stops.map(overlap).max() ?? 0
        let shown = String(decoding: held[..<(held.count - keep)], as: UTF8.self)
        held.removeFirst(held.count - keep)
        return (shown, false)
    }

    /// What was held back, at the end of the answer.
    package mutating func finish() -> String {
        defer { held = [] }
        return String(decoding: held, as: UTF8.self)
    }

    /// Where the stop string begins that is complete first in the held text.
    private func firstStop() -> Int? {
        for end in held.indices {
            let head = held[...end]
            var longest = 0
            for stop in stops where stop.count > longest && stop.last == held[end] {
                if head.suffix(stop.count).elementsEqual(stop) { longest = stop.count }
            }
            if longest > 0 { return end + 1 - longest }
        }
        return nil
    }

    /// The length of the longest end of the held text that begins `stop`.
    private func overlap(_ stop: [UInt8]) -> Int {
        var length = min(stop.count - 1, held.count)
        while length > 0 {
            if held.suffix(length).elementsEqual(stop.prefix(length)) { return length }
            length -= 1
        }
        return 0
    }
}
