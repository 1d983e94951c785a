using CsUnet.Tensors;
using CsUnet.Weights;

namespace CsUnet.Nn;

/// <summary>The tensors of a file of any format, for <see cref="StateDict"/>.</summary>
/// <param name="Path">The file's path.</param>
/// <param name="Tensors">Its tensors; each is read when it is loaded.</param>
internal sealed record StateSource(string Path, IReadOnlyList<StateSource.Stored> Tensors)
{
    public static StateSource Of(SafetensorsFile file) => new(file.Path, [.. file.Entries.Select(entry =>
        new Stored(entry.Name, entry.DType, entry.Shape, _ => file.Load(entry.Name)))]);

    public static StateSource Of(WeightFile file) => new(file.Path, [.. file.Tensors.Select(tensor =>
        new Stored(tensor.Name, tensor.DType, tensor.Shape, tensor.Load))]);

    /// <summary>A tensor of the file.</summary>
    /// <param name="Name">Its name.</param>
    /// <param name="DType">Its element type, as safetensors spells it.</param>
    /// <param name="Shape">Its dimensions.</param>
    /// <param name="Read">Reads it as a floating-point type of the CPU, if possible the given one.</param>
    public sealed record Stored(string Name, string DType, Shape Shape, Func<DType, Tensor> Read)
    {
        /// <summary>The values in the element type of a module.</summary>
        public Tensor Load(DType type) =>
            Read(type == CsUnet.Tensors.DType.Float64 ? type : CsUnet.Tensors.DType.Float32).To(type);
    }
}
