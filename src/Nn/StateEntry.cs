using CsUnet.Autograd;
using CsUnet.Tensors;

namespace CsUnet.Nn;

/// <summary>One parameter or buffer of a module.</summary>
/// <param name="Name">Its state-dict name: the path from the module.</param>
/// <param name="Variable">Its value; it may not be set yet.</param>
/// <param name="Layout">The order of its elements in weight files.</param>
public sealed record StateEntry(string Name, Variable Variable, ParameterLayout Layout)
{
    /// <summary>Dimensions in memory.</summary>
    public Shape Shape => Variable.Shape;

    /// <summary>Dimensions in weight files.</summary>
    public Shape FileShape => Layout == ParameterLayout.Convolution ? ChannelOrder.First(Shape) : Shape;

    /// <summary>The value in weight-file layout: a permuted copy on the CPU, or the value itself if the layouts are equal.</summary>
    public Tensor ToFile() => FromMemory(Variable.Value);

    /// <summary>Converts a tensor with the value's layout, such as its gradient, to weight-file layout; see <see cref="ToFile"/>.</summary>
    public Tensor FromMemory(Tensor tensor) => Layout == ParameterLayout.Convolution ? ChannelOrder.ToFirst(tensor.To(Device.Cpu)) : tensor;

    /// <summary>Converts a CPU tensor from weight-file layout to memory layout.</summary>
    public Tensor FromFile(Tensor stored) => Layout == ParameterLayout.Convolution ? ChannelOrder.ToLast(stored) : stored;
}
