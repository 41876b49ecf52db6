#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What the operating system says of an error number.
enum SystemError {
    static func text(_ code: Int32) -> String { String(cString: strerror(code)) }
}
