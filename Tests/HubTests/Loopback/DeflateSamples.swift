#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Streams that zlib made: `zlib.compressobj(9, DEFLATED, -15, 9, strategy)` in Python.
enum DeflateSamples {
    /// Four hundred short lines.
    static let text: [UInt8] = (0..<400).flatMap { Array("line \($0) of the text\n".utf8) }

    /// The lines, zeros up to 32 KiB, and the lines again: matches over the longest distance.
    static let far = text + [UInt8](repeating: 0, count: 32_768 - text.count) + text

    /// ``far`` with the default strategy: blocks with their own codes.
    static let farDynamic = decode(
        """
        7d09jiRoEQRQbE4xR+iIqJ+uAy0CaQXOGhwfgbfqdwKUaZbVoZnpfJWfNPH7P/7526+vX//6268//v7brz9++/cf\
        f/39vx/l50f9+dF+fvT4+dHz50evnx+9f370/fOjD35U/fj4+YMAQYIgQpAhCBGkCGIEOYoc1Z8DchQ5ihxFjiJH\
        kaPIUeQYcgw5pr9QyDHkGHIMOYYcQ44hxwM5HsjxQI6H/mUgxwM5HsjxQI4HcjyQ44kcT+R4IscTOZ76J44cT+R4\
        IscTOZ7I8UKOF3K8kOOFHC/keOl3FXK8kOOFHC/keCPHGzneyPFGjjdyvJHjrV+6yPFGjjdyfCPHN3J8I8c3cnwj\
        xzdyfCPHt7YHcnwjxwc5PsjxQY4PcnyQ44McH+T4IMdHa5B7UIvwS5vwS6vwS7vwS8vwS9vwS+vwS/vwSwvxS4m8\
        2pWIy53bneud+50LnhueK147PlryKbWiRNrz0aKPNn206qNdHy37aNtH6z7a9xkBpkRa+dHOj5Z+tPWjtR/t/Wjx\
        R5s/Wv150JRKpO0frf9o/0cAiAQQESAyQISASAF5kslKJAhEEogoEFkgwkCkgYgDkQciEORF+SuRTBChIFJBxILI\
        BREMIhlENIhskDe/zCiReBD5IAJCJISICJERIiRESoiYkG9+P1MiSSGiQmSFCAuRFiIuRF6IwBCJIR9+5eR3Tn3p\
        lBkqM1RmqMxQmaEyQ2WGygyVGRp+jVYimaEyQ2WGygyVGSozVGYo7wI8DPgyoES8DfA4wOsAzwO8D/BAIDNUZqjM\
        0PHYoUQyQ2WGygyVGSozVGaozFCZoTJDH7zfKJHMUJmhMkNlhsoMlRkqM1RmqMzQJ09SSiQzVGaozFCZoTJDZYbK\
        DJUZKjP0xSubEskMlRkqM1RmqMxQmaEyQ2WGygx983CoRDJDZYbKDJUZKjNUZqjMUJmhMkO/eQtVIpmhMkNlhsoM\
        lRkqM1RmqMxQmaEfnnd539WBV2aYzDCZYTLDZIbJDJMZJjNMZlh4slYimWEyw2SGyQyTGSYzTGaYzDCZYeUVXolk\
        hskMkxkmM0xmmMwwvirwWYHvCn5YUCI+LfBtgY8LfF3g84LMMJlhMsNkhj34VqJEMsNkhskMkxkmM0xmmMwwmWEy\
        w558/lEimWEyw2SGyQyTGSYzTGaYzDCZYS++aCmRzDCZYTLDZIbJDJMZJjNMZpjMsDcf6ZRIZpjMMJlhMsNkhskM\
        kxkmM0xm2DffHZVIZpjMMJlhMsNkhskMkxkmM0xm2IdPqX9O9Jebm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ub\
        m5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ub\
        //v533/Zr1ZDlAHh//pHAznKvNGLjYpptDWj+FjVwSrfVX2tCmBVoaoSUtV4qghTVZIqY1SdoQoBVamnUjrVuqkY\
        TdViKudSvZUKolSxpJIi1fyoKEdVMyprUd2JCkNUuaHSCvxNRg6186icR908quZRM4+KedTLo1oetfKolEedPKrk\
        USOPCnnUx6M6HrXxqIxHXTyq4lETj4p41MOjGh618KiERx08quBRA48KeNS/o/odte+ofEfdO6reUfOOinfUu6Pa\
        HbXuqHRHnTuq3FHjjgp31Lejuh217ahsR107qtpR046KdtSzo5odteyoZOfDPahFqF6+qJcv6uWLevmiXr6oly/q\
        5Yt6+aJevni1KxGXO7c71zv3Oxc8NzxXvHZ8tORTakWJtOejRR9t+mjVR7s+WvbRto/WfbTvMwJMibTyo50fLf1o\
        60drP9r70eKPNn+0+vOgKZVI2z9a/9H+jwAQCSAiQGSACAGRAvIkk5VIEIgkEFEgskCEgUgDEQciD0QgyIvyVyKZ\
        IEJBpIKIBZELIhhEMohoENkgb36ZUSLxIPJBBIRICBERIiNESIiUEDEh3/x+pkSSQkSFyAoRFiItRFyIvBCBIRJD\
        PvzKye+c+tIpM1RmqMxQmaEyQ2WGygyVGSozNPwarUQyQ2WGygyVGSozVGaozFDeBXgY8GVAiXgb4HGA1wGeB3gf\
        4IFAZqjMUJmh47FDiWSGygyVGSozVGaozFCZoTJDZYY+eL9RIpmhMkNlhsoMlRkqM1RmqMxQmaFPnqSUSGaozFCZ\
        oTJDZYbKDJUZKjNUZuiLVzYlkhkqM1RmqMxQmaEyQ2WGygyVGfrm4VCJZIbKDJUZKjNUZqjMUJmhMkNlhn7zFqpE\
        MkNlhsoMlRkqM1RmqMxQmaEyQz887/K+qwOvzDCZYTLDZIbJDJMZJjNMZpjMsPBkrUQyw2SGyQyTGSYzTGaYzDCZ\
        YTLDyiu8EskMkxkmM0xmmMwwmWF8VeCzAt8V/LCgRHxa4NsCHxf4usDnBZlhMsNkhskMe/CtRIlkhskMkxkmM0xm\
        mMwwmWEyw2SGPfn8o0Qyw2SGyQyTGSYzTGaYzDCZYTLDXnzRUiKZYTLDZIbJDJMZJjNMZpjMMJlhbz7SKZHMMJlh\
        MsNkhskMkxkmM0xmmMywb747KpHMMJlhMsNkhskMkxkmM0xmmMywD59S/5zoPw==
        """)

    /// The first 300 bytes of ``text`` with `Z_FIXED`: one block with the fixed codes.
    static let shortFixed = decode(
        """
        y8nMS1UwUMhPUyjJSFUoSa0o4coBCRliChlhChljCplgCpliCplhCpljCllgCllicSo252NxvyEWDxhi8YEhFi8Y\
        gvwAAA==
        """)

    /// Any bytes in stored blocks of at most 65,535.
    static func stored(_ bytes: [UInt8]) -> [UInt8] {
        var stream: [UInt8] = []
        var rest = bytes[...]
        repeat {
            let block = rest.prefix(65_535)
            rest = rest.dropFirst(block.count)
            let (low, high) = (UInt8(block.count & 255), UInt8(block.count >> 8))
            stream += [rest.isEmpty ? 1 : 0, low, high, ~low, ~high] + block
        } while !rest.isEmpty
        return stream
    }

    private static func decode(_ base64: String) -> [UInt8] {
        Data(base64Encoded: base64).map(Array.init) ?? []
    }
}

/// Writes ZIP archives as wheels are: no data descriptors, no extra fields.
struct ZipSample {
    struct Member {
        let name: String
        /// What the archive says it unpacks to.
        let bytes: Int
        let packed: [UInt8]
        let isDeflated: Bool
    }

    var members: [Member]

    static func stored(_ name: String, _ content: [UInt8]) -> Member {
        Member(name: name, bytes: content.count, packed: content, isDeflated: false)
    }

    var archive: [UInt8] {
        var bytes: [UInt8] = []
        var directory: [UInt8] = []
        for member in members {
            let method = member.isDeflated ? 8 : 0
            let offset = bytes.count
            // Version, flags, method, time, date, sum (unchecked), sizes, lengths of names.
            let common =
                Self.le(20, 2) + Self.le(0, 2) + Self.le(method, 2) + Self.le(0, 8)
                + Self.le(member.packed.count, 4) + Self.le(member.bytes, 4)
                + Self.le(member.name.utf8.count, 2) + Self.le(0, 2)
            bytes += Array("PK\u{3}\u{4}".utf8) + common + Array(member.name.utf8) + member.packed
            directory +=
                Array("PK\u{1}\u{2}".utf8) + Self.le(20, 2) + common + Self.le(0, 10)
                + Self.le(offset, 4) + Array(member.name.utf8)
        }
        return bytes + directory + Array("PK\u{5}\u{6}".utf8) + Self.le(0, 4)
            + Self.le(members.count, 2) + Self.le(members.count, 2) + Self.le(directory.count, 4)
            + Self.le(bytes.count, 4) + Self.le(0, 2)
    }

    private static func le(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}
