/// A pattern compiled to steps, and a matcher for it that takes time linear in the text.
///
/// Meaning as in Oniguruma and Perl: the leftmost match, and of several there the one its
/// alternatives and repetitions prefer. The matcher tries them in that order but remembers which
/// (step, position) has failed and never tries it again, as RE2's bit-state matcher does (Cox,
/// "Regular Expression Matching in the Wild", 2010). This is exact because nothing in the supported
/// syntax refers back to what was matched. So no pattern, however nested, takes more than
/// steps × positions attempts.
package struct PatternProgram: Sendable {
    private enum Step: Sendable {
        /// Take one character of a set.
        case take(Int)
        /// Take as many characters of a set as possible up to a count, giving none back.
        case takeRun(Int, maximum: Int)
        /// Look at the next character without taking it.
        case look(Int, isNegative: Bool)
        /// Try the first, then the second.
        case split(Int, Int)
        case jump(Int)
        case lineStart, lineEnd, textStart, textEnd
        case match
    }

    private static let maximumSteps = 4096

    package let pattern: String
    private var steps: [Step] = []
    private var sets: [ScalarSet] = []

    package init(_ pattern: String) throws(PatternError) {
        self.pattern = pattern
        try compile(PatternParser.parse(pattern))
        try append(.match)
        for index in sets.indices { sets[index].finish() }
    }

    // MARK: Compiling

    private mutating func append(_ step: Step) throws(PatternError) {
        guard steps.count < Self.maximumSteps else {
            throw PatternError(
                pattern: pattern, offset: 0,
                detail: "more than \(Self.maximumSteps) steps; write out fewer repetitions")
        }
        steps.append(step)
    }

    private mutating func index(of set: ScalarSet) -> Int {
        if let index = sets.firstIndex(of: set) { return index }
        sets.append(set)
        return sets.count - 1
    }

    /// Nesting is bounded by the parser.
    private mutating func compile(_ node: PatternNode) throws(PatternError) {
        switch node {
        case .set(let set):
            try append(.take(index(of: set)))
        case .sequence(let nodes):
            for node in nodes { try compile(node) }
        case .alternatives(let branches):
            var jumps: [Int] = []
            for (position, branch) in branches.enumerated() {
                guard position < branches.count - 1 else {
                    try compile(branch)
                    break
                }
                let split = steps.count
                try append(.split(split + 1, 0))
                try compile(branch)
                jumps.append(steps.count)
                try append(.jump(0))
                steps[split] = .split(split + 1, steps.count)
            }
            for jump in jumps { steps[jump] = .jump(steps.count) }
        case .repetition(let inner, let minimum, let maximum, let isGreedy):
            try compileRepetition(inner, minimum, maximum, isGreedy)
        case .possessive(let set, let minimum, let maximum):
            for _ in 0..<minimum { try append(.take(index(of: set))) }
            if let maximum {
                try append(.takeRun(index(of: set), maximum: maximum - minimum))
            } else {
                try append(.takeRun(index(of: set), maximum: .max))
            }
        case .lookahead(let set, let isNegative):
            try append(.look(index(of: set), isNegative: isNegative))
        case .lineStart: try append(.lineStart)
        case .lineEnd: try append(.lineEnd)
        case .textStart: try append(.textStart)
        case .textEnd: try append(.textEnd)
        }
    }

    private mutating func compileRepetition(
        _ inner: PatternNode, _ minimum: Int, _ maximum: Int?, _ isGreedy: Bool
    ) throws(PatternError) {
        func split(_ into: Int, _ past: Int) -> Step {
            isGreedy ? .split(into, past) : .split(past, into)
        }
        for _ in 0..<minimum {
            let before = steps.count
            try compile(inner)
            if steps.count == before { break }
        }
        if let maximum {
            var splits: [Int] = []
            for _ in minimum..<maximum {
                splits.append(steps.count)
                try append(.jump(0))
                try compile(inner)
            }
            for position in splits { steps[position] = split(position + 1, steps.count) }
        } else {
            let start = steps.count
            try append(.jump(0))
            try compile(inner)
            try append(.jump(start))
            steps[start] = split(start + 1, steps.count)
        }
    }

    // MARK: Matching

    /// All matches in a text, as byte ranges, and how many steps finding them took.
    package func matches(in text: String) -> (matches: [Range<Int>], stepCount: Int) {
        var text = text
        return text.withUTF8 { bytes in
            var matches: [Range<Int>] = []
            var memory = Memory()
            var position = 0
            while position <= bytes.count,
                let match = firstMatch(
                    in: bytes, piece: 0..<bytes.count, from: position, memory: &memory)
            {
                matches.append(match)
                position = match.upperBound
                if match.isEmpty {
                    guard position < bytes.count else { break }
                    position = UTF8Text.decode(bytes, at: position).end
                }
            }
            return (matches, memory.stepCount)
        }
    }

    /// What the matcher remembers between searches in one piece of text.
    struct Memory {
        /// One bit for each step at each position from `base` on.
        fileprivate var failed: [UInt64] = []
        fileprivate var base = 0
        fileprivate var pending: [(step: Int, position: Int)] = []
        /// Where the last unlimited run of each `takeRun` step started and ended.
        fileprivate var runs: [Int: Range<Int>] = [:]
        /// How many steps were taken, for tests of the bound.
        private(set) var stepCount = 0

        init() {}

        /// Forgets the piece of text.
        mutating func reset() {
            failed.removeAll(keepingCapacity: true)
            runs.removeAll(keepingCapacity: true)
            base = 0
        }

        /// Prepares for a search from a position on. What failed beyond it still fails; at the
        /// position itself the steps of the last match are among those noted, so they are dropped.
        fileprivate mutating func moveOn(to start: Int, wordsPerPosition: Int) {
            let used = (start - base) * wordsPerPosition
            if used + wordsPerPosition >= failed.count || used < 0 {
                failed.removeAll(keepingCapacity: true)
                base = start
                return
            }
            for word in used..<used + wordsPerPosition { failed[word] = 0 }
            if used > failed.count / 2 {
                failed.removeFirst(used)
                base = start
            }
        }

        /// Notes an attempt; says whether it is the first of its kind.
        @inline(__always)
        fileprivate mutating func begin(
            step: Int, at position: Int, wordsPerPosition: Int
        ) -> Bool {
            let word = (position - base) * wordsPerPosition + step >> 6
            let bit: UInt64 = 1 << UInt64(step & 63)
            if word >= failed.count {
                failed.append(
                    contentsOf: repeatElement(0, count: word + wordsPerPosition - failed.count))
            }
            guard failed[word] & bit == 0 else { return false }
            failed[word] |= bit
            stepCount += 1
            return true
        }

        fileprivate mutating func count(_ steps: Int) {
            stepCount += steps
        }
    }

    /// The first match at or after a position of well-formed UTF-8 within a piece, or nil.
    ///
    /// The memory must be reset for another piece; in one piece, searches go forward.
    func firstMatch(
        in text: UnsafeBufferPointer<UInt8>, piece: Range<Int>, from start: Int,
        memory: inout Memory
    ) -> Range<Int>? {
        memory.moveOn(to: start, wordsPerPosition: wordsPerPosition)
        var position = start
        while true {
            if let end = match(in: text, piece: piece, at: position, memory: &memory) {
                return position..<end
            }
            guard position < piece.upperBound else { return nil }
            position = UTF8Text.decode(text, at: position).end
        }
    }

    private var wordsPerPosition: Int { (steps.count + 63) / 64 }

    private func match(
        in text: UnsafeBufferPointer<UInt8>, piece: Range<Int>, at start: Int,
        memory: inout Memory
    ) -> Int? {
        let wordsPerPosition = wordsPerPosition
        memory.pending.removeAll(keepingCapacity: true)
        memory.pending.append((0, start))
        while let (firstStep, firstPosition) = memory.pending.popLast() {
            var step = firstStep
            var position = firstPosition
            walk: while true {
                guard
                    memory.begin(step: step, at: position, wordsPerPosition: wordsPerPosition)
                else { break walk }

                switch steps[step] {
                case .take(let set):
                    guard position < piece.upperBound else { break walk }
                    let (scalar, end) = UTF8Text.decode(text, at: position)
                    guard sets[set].contains(scalar) else { break walk }
                    position = end
                    step += 1
                case .takeRun(let set, let maximum):
                    position = endOfRun(
                        of: sets[set], step: step, maximum: maximum, in: text, piece: piece,
                        from: position, memory: &memory)
                    step += 1
                case .look(let set, let isNegative):
                    let isThere =
                        position < piece.upperBound
                        && sets[set].contains(UTF8Text.decode(text, at: position).scalar)
                    guard isThere != isNegative else { break walk }
                    step += 1
                case .split(let first, let second):
                    memory.pending.append((second, position))
                    step = first
                case .jump(let target):
                    step = target
                case .lineStart:
                    guard position == piece.lowerBound || text[position - 1] == 0x0A else {
                        break walk
                    }
                    step += 1
                case .lineEnd:
                    guard position == piece.upperBound || text[position] == 0x0A else {
                        break walk
                    }
                    step += 1
                case .textStart:
                    guard position == piece.lowerBound else { break walk }
                    step += 1
                case .textEnd:
                    guard position == piece.upperBound else { break walk }
                    step += 1
                case .match:
                    return position
                }
            }
        }
        return nil
    }

    private func endOfRun(
        of set: ScalarSet, step: Int, maximum: Int, in text: UnsafeBufferPointer<UInt8>,
        piece: Range<Int>, from start: Int, memory: inout Memory
    ) -> Int {
        if maximum == .max, let run = memory.runs[step], run.contains(start) {
            return run.upperBound
        }
        var position = start
        var count = 0
        while position < piece.upperBound, count < maximum {
            let (scalar, end) = UTF8Text.decode(text, at: position)
            guard set.contains(scalar) else { break }
            position = end
            count += 1
        }
        memory.count(count)
        if maximum == .max { memory.runs[step] = start..<position }
        return position
    }
}
