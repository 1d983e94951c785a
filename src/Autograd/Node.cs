using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Autograd;

/// <summary>One recorded operator call and its input variables.</summary>
internal sealed class Node
{
    [ThreadStatic] private static long t_sequence;

    public Node(OperatorCall call, Variable?[] inputs)
    {
        Call = call;
        Inputs = inputs;
        Sequence = t_sequence++;
        // One reference for the output and one for each saved tensor. When backward removes the last one, the block returns to the step
        // arena.
        call.Output.Storage.AddReference();
        foreach (Tensor saved in call.Saved)
            saved.Storage.AddReference();
    }

    public OperatorCall? Call { get; private set; }

    public Variable?[] Inputs { get; private set; }

    /// <summary>
    /// The order of recording. A producer's number is below those of its consumers, so descending order is a topological order.
    /// </summary>
    public long Sequence { get; }

    /// <summary>The gradient of the output, accumulated so far.</summary>
    public Tensor? Gradient { get; set; }

    public void Release()
    {
        foreach (Tensor saved in Call!.Saved)
            saved.Storage.ReleaseReference();
        Call.Output.Storage.ReleaseReference();
        Call = null;
        Inputs = [];
    }
}
