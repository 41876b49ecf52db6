/// The 32-bit generator of Matsumoto and Nishimura, "Mersenne Twister", 1998.
struct MersenneTwister {
    private var state: [UInt32]
    private var place = 624

    init(seed: UInt32) {
        state = [seed]
        state.reserveCapacity(624)
        var last = seed
        for i in 1..<624 {
            last = 1_812_433_253 &* (last ^ last >> 30) &+ UInt32(i)
            state.append(last)
        }
    }

    mutating func next() -> UInt32 {
        if place == 624 { twist() }
        var y = state[place]
        place += 1
        y ^= y >> 11
        y ^= y << 7 & 0x9D2C_5680
        y ^= y << 15 & 0xEFC6_0000
        return y ^ y >> 18
    }

    /// A number below a bound, as Faiss draws it.
    mutating func next(below bound: Int) -> Int { Int(next()) % bound }

    private mutating func twist() {
        for i in 0..<624 {
            let y = state[i] & 0x8000_0000 | state[(i + 1) % 624] & 0x7FFF_FFFF
            state[i] = state[(i + 397) % 624] ^ y >> 1 ^ (y & 1 == 0 ? 0 : 0x9908_B0DF)
        }
        place = 0
    }
}
