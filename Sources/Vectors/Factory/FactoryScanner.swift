/// A piece of a factory string, read from its front.
struct FactoryScanner {
    let bytes: [UInt8]
    private(set) var position: Int
    let end: Int

    init(_ bytes: [UInt8], _ range: Range<Int>) {
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    var isAtEnd: Bool { position >= end }
    var rest: String { String(decoding: bytes[position..<end], as: UTF8.self) }

    /// Whether a text stands here; if so it is passed.
    mutating func take(_ text: String) -> Bool {
        let wanted = text.utf8
        guard end - position >= wanted.count,
            bytes[position..<position + wanted.count].elementsEqual(wanted)
        else { return false }
        position += wanted.count
        return true
    }

    /// Whether a text and then a byte of some kind stand here; if so the text is passed.
    mutating func take(_ text: String, ifBehind isRight: (UInt8) -> Bool) -> Bool {
        let place = position
        guard take(text), position < end, isRight(bytes[position]) else {
            position = place
            return false
        }
        return true
    }

    /// The number that stands here, at most 9 digits; nil and nothing passed otherwise.
    mutating func number() -> Int? {
        var value = 0
        var place = position
        while place < end, bytes[place] >= 48, bytes[place] <= 57 {
            guard place - position < 9 else { return nil }
            value = value * 10 + Int(bytes[place] - 48)
            place += 1
        }
        guard place > position else { return nil }
        position = place
        return value
    }
}
