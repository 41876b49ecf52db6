import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Ctrl-C while an answer is being written: it ends the answer, not the program.
enum Interrupt {
    private static let count = Atomic<Int>(0)

    /// Counts interrupts from now on instead of ending the program. A second one during the same
    /// answer ends it after all, in case the first is not heard.
    static func begin(_ signals: [Int32] = [SIGINT]) {
        count.store(0, ordering: .relaxed)
        for number in signals {
            signal(number) { number in
                if Interrupt.count.add(1, ordering: .relaxed).newValue > 1 {
                    signal(number, SIG_DFL)
                    raise(number)
                }
            }
        }
    }

    /// Whether there was one since `begin()`.
    static var isPending: Bool { count.load(ordering: .relaxed) > 0 }

    /// Gives Ctrl-C its usual meaning back.
    static func end() {
        signal(SIGINT, SIG_DFL)
    }
}
