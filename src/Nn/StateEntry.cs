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
    public Shape FileShape => Layout == ParameterLayout.Convolution ? [Shape[0], Shape[3], Shape[1], Shape[2]] : Shape;

    /// <summary>The value in weight-file layout: a permuted copy on the CPU, or the value itself if the layouts are equal.</summary>
    public Tensor ToFile() => FromMemory(Variable.Value);

    /// <summary>Converts a tensor with the value's layout, such as its gradient, to weight-file layout; see <see cref="ToFile"/>.</summary>
    public Tensor FromMemory(Tensor tensor) => Layout == ParameterLayout.Convolution
        ? SwapInner(tensor.To(Device.Cpu), FileShape, Shape[1] * Shape[2], Shape[3])
        : tensor;

    /// <summary>Converts a CPU tensor from weight-file layout to memory layout.</summary>
    public Tensor FromFile(Tensor stored) => Layout == ParameterLayout.Convolution
        ? SwapInner(stored, Shape, Shape[3], Shape[1] * Shape[2])
        : stored;

    private static Tensor SwapInner(Tensor source, Shape shape, int rows, int columns)
    {
        Tensor target = Tensor.Empty(shape, source.DType);
        if (source.DType == DType.Float32)
            SwapInner<float>(source, target, shape[0], rows, columns);
        else
            SwapInner<double>(source, target, shape[0], rows, columns);
        return target;
    }

    // target[o, c, r] = source[o, r, c]
    private static unsafe void SwapInner<T>(Tensor source, Tensor target, int outer, int rows, int columns) where T : unmanaged
    {
        T* from = source.Pointer<T>(), to = target.Pointer<T>();
        Workers.Run(outer, o =>
        {
            T* sourceBlock = from + (long)o * rows * columns, targetBlock = to + (long)o * rows * columns;
            for (int r = 0; r < rows; r++)
                for (int c = 0; c < columns; c++)
                    targetBlock[(long)c * rows + r] = sourceBlock[(long)r * columns + c];
        });
        // The garbage collector does not track pointers: without this call it may free the tensors while threads read them.
        GC.KeepAlive(source);
        GC.KeepAlive(target);
    }
}
