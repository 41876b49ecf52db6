import FathomTensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The filters that sampling applies to the logits of one position, in place.
///
/// A removed token has logit -infinity. Each follows the processor of that name in Hugging Face
/// `transformers`, including its treatment of ties.
package enum LogitsFilters {
    /// Applies all filters of `parameters` in their order, temperature included unless greedy.
    package static func apply(
        _ parameters: SamplingParameters, to logits: inout [Float], history: [Int32],
        generated: ArraySlice<Int32>
    ) {
        repetitionPenalty(parameters.repetitionPenalty, to: &logits, history: history)
        occurrencePenalties(
            presence: parameters.presencePenalty, frequency: parameters.frequencyPenalty,
            to: &logits, generated: generated)
        for (token, bias) in parameters.logitBias where logits.indices.contains(Int(token)) {
            logits[Int(token)] += bias
        }
        noRepeatNGram(parameters.noRepeatNGramSize, to: &logits, history: history)
        if parameters.isGreedy { return }
        temperature(parameters.temperature, to: &logits)
        topK(parameters.topK, to: &logits)
        topP(parameters.topP, to: &logits)
        minP(parameters.minP, to: &logits)
        typicalP(parameters.typicalP, to: &logits)
    }

    package static func repetitionPenalty(
        _ penalty: Float, to logits: inout [Float], history: [Int32]
    ) {
        guard penalty != 1 else { return }
        for token in Set(history) where logits.indices.contains(Int(token)) {
            let value = logits[Int(token)]
            logits[Int(token)] = value < 0 ? value * penalty : value / penalty
        }
    }

    package static func occurrencePenalties(
        presence: Float, frequency: Float, to logits: inout [Float], generated: ArraySlice<Int32>
    ) {
        guard presence != 0 || frequency != 0 else { return }
        var counts: [Int32: Int] = [:]
        for token in generated { counts[token, default: 0] += 1 }
        for (token, count) in counts where logits.indices.contains(Int(token)) {
            logits[Int(token)] -= presence + frequency * Float(count)
        }
    }

    package static func noRepeatNGram(_ size: Int, to logits: inout [Float], history: [Int32]) {
        guard size > 0, history.count + 1 >= size else { return }
        let prefix = history.suffix(size - 1)
        var start = 0
        while start + size <= history.count {
            if history[start..<(start + size - 1)].elementsEqual(prefix) {
                let banned = Int(history[start + size - 1])
                if logits.indices.contains(banned) { logits[banned] = -.infinity }
            }
            start += 1
        }
    }

    package static func temperature(_ temperature: Float, to logits: inout [Float]) {
        guard temperature != 1, temperature > 0 else { return }
        for index in logits.indices { logits[index] /= temperature }
    }

    package static func topK(_ k: Int, to logits: inout [Float]) {
        guard k > 0, k < logits.count else { return }
        // The k largest values seen, smallest first in a binary heap.
        var heap = Array(logits[0..<k])
        func siftDown(_ from: Int) {
            var parent = from
            while true {
                var child = 2 * parent + 1
                guard child < k else { return }
                if child + 1 < k, heap[child + 1] < heap[child] { child += 1 }
                if heap[parent] <= heap[child] { return }
                heap.swapAt(parent, child)
                parent = child
            }
        }
        for index in stride(from: k / 2 - 1, through: 0, by: -1) { siftDown(index) }
        for index in k..<logits.count where logits[index] > heap[0] {
            heap[0] = logits[index]
            siftDown(0)
        }
        let threshold = heap[0]
        for index in logits.indices where logits[index] < threshold { logits[index] = -.infinity }
    }

    package static func topP(_ topP: Float, to logits: inout [Float]) {
        guard topP < 1 else { return }
        let probabilities = softmax(logits)
        // Tokens so unlikely that all of them together stay below 1 - p go without being sorted.
        let negligible = (1 - topP) / Float(logits.count)
        var candidates: [Int] = []
        var cumulative: Float = 0
        for index in logits.indices {
            if probabilities[index] < negligible {
                cumulative += probabilities[index]
                logits[index] = -.infinity
            } else {
                candidates.append(index)
            }
        }
        // Ascending; among equals the later token goes first, so that the earlier one stays.
        candidates.sort {
            probabilities[$0] != probabilities[$1]
                ? probabilities[$0] < probabilities[$1] : $0 > $1
        }
        for index in candidates.dropLast() {
            cumulative += probabilities[index]
            if cumulative > 1 - topP { break }
            logits[index] = -.infinity
        }
    }

    package static func minP(_ minP: Float, to logits: inout [Float]) {
        guard minP > 0, let largest = logits.max() else { return }
        let threshold = log(minP)
        for index in logits.indices where logits[index] - largest < threshold {
            logits[index] = -.infinity
        }
    }

    package static func typicalP(_ mass: Float, to logits: inout [Float]) {
        guard mass < 1 else { return }
        let probabilities = softmax(logits)
        var entropy: Float = 0
        for p in probabilities where p > 0 { entropy -= p * log(p) }
        let order = logits.indices.filter { probabilities[$0] > 0 }.sorted {
            let first = abs(-log(probabilities[$0]) - entropy)
            let second = abs(-log(probabilities[$1]) - entropy)
            return first != second ? first < second : $0 < $1
        }
        var cumulative: Float = 0
        var kept = Set<Int>()
        for index in order {
            kept.insert(index)
            cumulative += probabilities[index]
            if cumulative >= mass { break }
        }
        for index in logits.indices where !kept.contains(index) { logits[index] = -.infinity }
    }

    /// Probabilities of logits; -infinity gives 0.
    package static func softmax(_ logits: [Float]) -> [Float] {
        guard let largest = logits.max(), largest > -.infinity else {
            return Array(repeating: 0, count: logits.count)
        }
        return FathomTensors.softmax(logits)
    }
}
