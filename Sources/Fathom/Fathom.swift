/// Everything a program needs that runs models: import this one module.
@_exported public import FathomCheckpoints
@_exported public import FathomGeneration
@_exported public import FathomJSON
@_exported public import FathomModels
@_exported public import FathomRetrieval
@_exported public import FathomTensors
@_exported public import FathomText
@_exported public import FathomVectors
