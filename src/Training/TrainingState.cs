using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>The objects that a training step works on.</summary>
/// <param name="Options">The run's options.</param>
/// <param name="Model">The network.</param>
/// <param name="Loss">The loss.</param>
/// <param name="Optimizer">The optimiser of the network's parameters.</param>
/// <param name="Arena">The arena of a step's temporaries.</param>
public sealed record TrainingState(TrainingOptions Options, SegmentationModel Model, SegmentationLoss Loss, Optimizer Optimizer,
    StepArena Arena);
