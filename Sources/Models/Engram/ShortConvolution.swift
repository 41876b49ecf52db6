import FathomCheckpoints
import FathomTensors

/// The causal convolution over the values that were read: `silu(conv(rmsNorm(u)))`.
///
/// Depthwise over all branches, each normalised with its own weight (Engram, equation 5).
struct ShortConvolution: Sendable {
    let norms: [Tensor]
    let weight: Tensor
    let shape: ConvolutionShape
    let epsilon: Float

    init(_ parameters: ParameterScope, _ configuration: EngramConfiguration) {
        norms = (0..<configuration.branchCount).map {
            parameters["norms"][$0].vector(count: configuration.hiddenSize)
        }
        weight =
            parameters["conv"].matrix(
                rows: configuration.streamWidth, columns: configuration.kernelSize
            ).tensor
        shape = configuration.convolutionShape
        epsilon = configuration.convolutionNormEpsilon
    }

    /// Maps `[T, M · C]` to the same shape; `inputs` are what later tokens of the sequences will
    /// need.
    func callAsFunction(_ x: Tensor, _ segments: [ConvolutionSegment]) -> (
        result: Tensor, inputs: Tensor
    ) {
        let inputs = branchNorm(x, weights: norms, epsilon: epsilon)
        let mixed = causalConvolution(inputs, weight: weight.dequantized(), shape, segments)
        return (silu(mixed), inputs)
    }
}

extension EngramConfiguration {
    var convolutionShape: ConvolutionShape {
        ConvolutionShape(kernelSize: kernelSize, dilation: dilation)
    }
}
