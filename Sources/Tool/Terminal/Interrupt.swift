import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Ctrl-C while something is being done: it ends that, not the program.
enum Interrupt {
    private static let count = Atomic<Int>(0)
    private static let last = Atomic<Int32>(0)

    /// Counts interrupts from now on instead of ending the program. A second one during the same
    /// work ends it after all, in case the first is not heard.
    static func begin(_ signals: [Int32] = [SIGINT]) {
        count.store(0, ordering: .relaxed)
        for number in signals {
            signal(number) { number in
                Interrupt.last.store(number, ordering: .relaxed)
                if Interrupt.count.add(1, ordering: .relaxed).newValue > 1 {
                    signal(number, SIG_DFL)
                    raise(number)
                }
            }
        }
    }

    /// Whether there was one since `begin()`.
    static var isPending: Bool { count.load(ordering: .relaxed) > 0 }

    /// The error of work that ends because there was one; nil if there was none.
    static var stopped: Stopped? {
        isPending ? Stopped(signal: last.load(ordering: .relaxed)) : nil
    }

    /// Gives signals their usual meaning back.
    static func end(_ signals: [Int32] = [SIGINT]) {
        for number in signals { signal(number, SIG_DFL) }
    }
}
