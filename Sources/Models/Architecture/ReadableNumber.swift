/// Numbers as people read them.
enum ReadableNumber {
    /// `671,026,419,200`.
    static func grouped(_ number: Int) -> String {
        var digits = "\(number.magnitude)"
        var groups: [Substring] = []
        while digits.utf8.count > 3 {
            groups.insert(digits.suffix(3), at: 0)
            digits = String(digits.dropLast(3))
        }
        return (number < 0 ? "-" : "") + ([digits[...]] + groups).joined(separator: ",")
    }

    /// `671B`, `36.6B`, `2.62B`: three digits.
    static func short(_ number: Int) -> String {
        let units = [(1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")]
        guard let (unit, letter) = units.first(where: { Double(number) >= 0.9995 * $0.0 }) else {
            return "\(number)"
        }
        return threeDigits(Double(number) / unit) + letter
    }

    /// `70.3 kB`: three digits, in powers of ten.
    static func bytes(_ number: Int) -> String {
        let units = [(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")]
        guard let (unit, name) = units.first(where: { Double(number) >= 0.9995 * $0.0 }) else {
            return "\(number) B"
        }
        return threeDigits(Double(number) / unit) + " " + name
    }

    /// `93.3 %`.
    static func percent(_ share: Double) -> String { fixed(100 * share, 1) + " %" }

    /// `2.25`.
    static func threeDigits(_ value: Double) -> String {
        fixed(value, value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2)
    }

    private static func fixed(_ value: Double, _ digits: Int) -> String {
        let scale = digits == 2 ? 100 : digits == 1 ? 10 : 1
        guard value.isFinite, value.magnitude < 1e15 else { return "\(value)" }
        let scaled = Int((value.magnitude * Double(scale)).rounded())
        let whole = (value < 0 && scaled > 0 ? "-" : "") + "\(scaled / scale)"
        guard digits > 0 else { return whole }
        let fraction = "\(scaled % scale)"
        let zeros = String(repeating: "0", count: digits - fraction.utf8.count)
        return "\(whole).\(zeros)\(fraction)"
    }
}
