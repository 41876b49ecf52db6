import FathomCheckpoints
import FathomTensors

/// Reads the integers of an Engram memory from a checkpoint and checks each against the others.
struct EngramTableReader {
    let source: any CheckpointSource
    let configuration: EngramConfiguration
    let names: EngramNames
    let path: String

    /// The stored lookup table; `nil` if there is none.
    func lookupTable() throws -> [Int64]? {
        guard let info = source.info(names.lookupTable) else { return nil }
        return try integers(names.lookupTable, shape: [info.shape.first ?? 0])
    }

    /// The hashes of all layers, stored or generated.
    func hashes(canonicalCount: Int) throws -> [Int: NGramHash] {
        let generated = configuration.seed.map {
            NGramHash.generated(configuration, canonicalCount: canonicalCount, seed: $0)
        }
        var hashes: [Int: NGramHash] = [:]
        var used: Set<Int> = []
        for layer in configuration.layers {
            let hash = try stored(layer, canonicalCount, generated?[layer])
            for prime in hash.primes.joined() where !used.insert(prime).inserted {
                throw error(names.primes(layer), .repeatedPrime(Int64(prime)))
            }
            if let info = source.info(names.table(layer)), info.shape.first != hash.rowCount {
                throw error(
                    names.table(layer),
                    .rowCount(primes: hash.rowCount, matrix: info.shape.first ?? 0))
            }
            if source.contains(names.offsets(layer)) {
                let offsets = try integers(names.offsets(layer), shape: [hash.tableCount])
                guard offsets == hash.offsets.map(Int64.init) else {
                    throw error(
                        names.offsets(layer), .offsets(found: offsets, expected: hash.offsets))
                }
            }
            hashes[layer] = hash
        }
        return hashes
    }

    private func stored(_ layer: Int, _ canonicalCount: Int, _ generated: NGramHash?) throws
        -> NGramHash
    {
        let advice = "store it, or give the configuration the 'seed' it was made with"
        let multipliersName = names.multipliers(layer)
        let multipliers: [Int64]
        if source.contains(multipliersName) {
            multipliers = try integers(multipliersName, shape: [configuration.maximumOrder])
            let largest = NGramHash.largestMultiplier(canonicalCount: canonicalCount)
            for number in multipliers where number < 1 || number % 2 == 0 || number > largest {
                throw error(
                    multipliersName, .multiplier(number, canonicalCount: canonicalCount))
            }
            if let generated, let seed = configuration.seed, generated.multipliers != multipliers {
                throw error(
                    multipliersName,
                    .multipliers(
                        found: multipliers, expected: generated.multipliers, seed: seed))
            }
        } else if let generated {
            multipliers = generated.multipliers
        } else {
            throw error(multipliersName, .missing(advice: advice))
        }
        let primesName = names.primes(layer)
        guard source.contains(primesName) else {
            guard let generated else { throw error(primesName, .missing(advice: advice)) }
            return NGramHash(multipliers: multipliers, primes: generated.primes)
        }
        let heads = configuration.headCount
        let numbers = try integers(primesName, shape: [configuration.orderCount, heads])
        for (place, number) in numbers.enumerated() {
            let size = configuration.tableSizes[place / heads]
            // Bounded first, because the search for divisors takes the root of the number.
            guard number >= size else { throw error(primesName, .smallPrime(number, size: size)) }
            guard number <= Int64(Int32.max), NGramHash.isPrime(Int(number)) else {
                throw error(primesName, .notPrime(number))
            }
        }
        let primes = stride(from: 0, to: numbers.count, by: heads).map {
            numbers[$0..<$0 + heads].map(Int.init)
        }
        let hash = NGramHash(multipliers: multipliers, primes: primes)
        if let generated, generated.primes != primes {
            throw error(
                primesName,
                .primes(found: primes.flatMap(\.self), expected: generated.primes.flatMap(\.self)))
        }
        guard hash.rowCount <= Int(Int32.max) else {
            throw error(
                primesName,
                .form(
                    found: "\(hash.rowCount) rows together", expected: "at most \(Int32.max)"))
        }
        return hash
    }

    /// The elements of an I64 tensor of a shape.
    private func integers(_ name: String, shape: [Int]) throws -> [Int64] {
        guard let info = source.info(name) else {
            throw error(name, .missing(advice: "store it beside the weights"))
        }
        guard info.dtype == .i64, info.shape == shape else {
            throw error(
                name,
                .form(found: "\(info.dtype.name) \(info.shape)", expected: "I64 \(shape)"))
        }
        return try source.tensor(name).int64Array()
    }

    private func error(_ name: String, _ reason: EngramError.Reason) -> EngramError {
        EngramError(name, in: path, reason)
    }
}
