/// Work that a signal ended before it changed anything, as Ctrl-C does.
struct Stopped: Error, CustomStringConvertible {
    /// The signal's number.
    let signal: Int32

    /// What a shell gives a command that a signal ended: 130 for Ctrl-C.
    var status: Int32 { 128 + signal }

    var description: String { "stopped; nothing was written" }
}
