/// Attributes that a template may set: the only thing it can change.
final class TemplateNamespace {
    private(set) var names: [[UInt8]] = []
    private(set) var values: [TemplateValue] = []
    private var positions: [[UInt8]: Int] = [:]

    subscript(name: [UInt8]) -> TemplateValue? {
        get { positions[name].map { values[$0] } }
        set {
            guard let newValue else { return }
            if let position = positions[name] {
                values[position] = newValue
            } else {
                positions[name] = names.count
                names.append(name)
                values.append(newValue)
            }
        }
    }

    /// Forgets everything, so that what refers back to it can go.
    func clear() {
        names = []
        values = []
        positions = [:]
    }
}

/// A loop that runs: the value of `loop`.
final class TemplateLoop {
    let items: [TemplateValue]
    /// What the items are taken from, if that keeps count of them.
    let iterator: TemplateIterator?
    let origin: TemplateOrigin
    let depth: Int
    /// The position of the item that is read next.
    private(set) var next: Int
    /// How many items were taken before this one.
    private(set) var index0 = -1
    private(set) var previous: TemplateValue?
    private(set) var current: TemplateValue?
    /// The items that passed the loop's condition, while that is tested ahead.
    private(set) var collected: [TemplateValue] = []
    var hasCompletedIteration = false
    var lastChanged: [TemplateValue]?

    init(
        _ items: [TemplateValue], iterator: TemplateIterator? = nil, origin: TemplateOrigin,
        depth: Int
    ) {
        self.items = items
        self.iterator = iterator
        self.origin = origin
        self.depth = depth
        next = iterator?.position ?? 0
    }

    /// Reads the next item without counting it.
    func read() -> TemplateValue? {
        guard next < items.count else { return nil }
        defer {
            next += 1
            iterator?.position = next
        }
        return items[next]
    }

    /// The item read last.
    var lastRead: TemplateValue { next > 0 && next <= items.count ? items[next - 1] : .none }

    /// Counts the item read last.
    func accept() {
        index0 += 1
        previous = current
        current = lastRead
    }

    func collect() {
        collected.append(lastRead)
    }

    var nextItem: TemplateValue? { next < items.count ? items[next] : nil }

    /// The number of items from the first one taken to the last.
    var length: Int { index0 + 1 + items.count - next }
}

/// A macro together with the variables around it.
final class TemplateMacro {
    let chunk: Int
    let shape: TemplateMacroShape
    let scope: TemplateActivation

    init(chunk: Int, shape: TemplateMacroShape, scope: TemplateActivation) {
        self.chunk = chunk
        self.shape = shape
        self.scope = scope
    }
}

/// The variables of a running function.
final class TemplateActivation {
    var slots: [TemplateValue]
    private(set) var parent: TemplateActivation?

    init(slotCount: Int, parent: TemplateActivation?) {
        slots = Array(repeating: .missing, count: slotCount)
        self.parent = parent
    }

    /// The variables that many functions further out.
    func ancestor(_ hops: Int32) -> TemplateActivation {
        var activation = self
        for _ in 0..<hops {
            guard let parent = activation.parent else { break }
            activation = parent
        }
        return activation
    }

    func clear() {
        slots = []
        parent = nil
    }
}

/// A method of a value, not called yet.
final class TemplateMethod {
    let receiver: TemplateValue
    let name: String
    let depth: Int

    init(_ receiver: TemplateValue, _ name: String) {
        self.receiver = receiver
        self.name = name
        depth = receiver.depth + 1
    }
}

/// Gives its items in turn, over and over.
final class TemplateCycler {
    let items: TemplateList
    var position = 0

    init(_ items: TemplateList) {
        self.items = items
    }
}

/// Gives an empty string at first, then its separator.
final class TemplateJoiner {
    let separator: TemplateValue
    let depth: Int
    var isUsed = false

    init(_ separator: TemplateValue) {
        self.separator = separator
        depth = separator.depth + 1
    }
}
