using CsUnet.Cuda.BasicTypes;
using CsUnet.Tensors;

namespace CsUnet.Kernels.Cuda;

/// <summary>
/// The tensors that one launch of kernels/optimizer.cu processes, as that file describes: addresses, counts and chunks in device memory,
/// made once and used in every step. Keeps the tensors alive.
/// </summary>
public sealed class TensorTable
{
    private const int ChunkElements = 16384, Columns = 5, GradientColumn = 1;

    private readonly IReadOnlyList<Tensor> _gradients;
    private readonly IReadOnlyList<Tensor>?[] _columns;
    private readonly Tensor _addresses, _counts, _chunks;

    /// <summary>A table of gradients alone, or of other tensors that are only read: for norms and finite checks.</summary>
    /// <param name="gradients">The tensors, float32, on one CUDA device.</param>
    /// <exception cref="ShapeException">There is no tensor, or one has another type or device.</exception>
    internal TensorTable(IReadOnlyList<Tensor> gradients) : this([null, gradients])
    {
    }

    /// <summary>A table for an update rule.</summary>
    /// <param name="parameters">The parameters, float32, on one CUDA device, with equally many tensors of state.</param>
    /// <exception cref="ShapeException">There is no parameter, or a tensor has another shape, type or device.</exception>
    internal TensorTable(IReadOnlyList<UpdatedParameter> parameters) : this(ColumnsOf(parameters))
    {
    }

    private TensorTable(IReadOnlyList<Tensor>?[] columns)
    {
        IReadOnlyList<Tensor> gradients = columns[GradientColumn]!;
        if (gradients.Count == 0)
            throw new ShapeException(nameof(TensorTable), nameof(gradients), "no tensor", "at least one");
        _gradients = gradients;
        _columns = columns;
        var addresses = new long[Columns * gradients.Count];
        var counts = new long[gradients.Count];
        var chunks = new List<long>();
        for (int i = 0; i < gradients.Count; i++)
        {
            for (int column = 0; column < _columns.Length; column++)
                if (_columns[column] is { } tensors)
                    addresses[column * gradients.Count + i] = Address(tensors[i], gradients[i]);
            counts[i] = gradients[i].Count;
            // A pair of 32-bit integers: tensor, chunk within it.
            for (long chunk = 0; chunk * ChunkElements < counts[i]; chunk++)
                chunks.Add(chunk << 32 | (uint)i);
        }
        ChunkTensors = [.. chunks.Select(chunk => (int)chunk)];
        using StepArena.PersistentScope scope = StepArena.Suspend();
        _addresses = Tensor.From(addresses, [addresses.Length]).To(Device);
        _counts = Tensor.From(counts, [counts.Length]).To(Device);
        _chunks = Tensor.From([.. chunks], [chunks.Count]).To(Device);
    }

    /// <summary>Where the tensors are.</summary>
    public Device Device => _gradients[0].Device;

    /// <summary>The tensor that each chunk belongs to.</summary>
    internal IReadOnlyList<int> ChunkTensors { get; }

    /// <summary>Whether the table was made from exactly these tensors.</summary>
    internal bool Holds(IReadOnlyList<UpdatedParameter> parameters) =>
        Flat(_columns).SequenceEqual(Flat(ColumnsOf(parameters)), ReferenceEqualityComparer.Instance);

    private static IEnumerable<Tensor> Flat(IReadOnlyList<Tensor>?[] columns) => columns.SelectMany(column => column ?? []);

    /// <summary>Parameters, gradients, then the state: as the first columns of the table.</summary>
    private static IReadOnlyList<Tensor>?[] ColumnsOf(IReadOnlyList<UpdatedParameter> parameters)
    {
        int states = parameters.Count == 0 ? 0 : parameters[0].State.Count;
        if (parameters.FirstOrDefault(parameter => parameter.State.Count != states) is { } other)
            throw new ShapeException(nameof(TensorTable), "state", $"{other.State.Count} tensors for {other.Value}",
                $"{states} like the first parameter's");
        return
        [
            [.. parameters.Select(parameter => parameter.Value)], [.. parameters.Select(parameter => parameter.Gradient)],
            .. Enumerable.Range(0, states).Select(i => (IReadOnlyList<Tensor>)[.. parameters.Select(parameter => parameter.State[i])]),
        ];
    }

    /// <summary>A launch that begins with the arguments table, counts and chunks.</summary>
    internal CudaLaunch Launch(string kernel)
    {
        var launch = new CudaLaunch(_gradients[0], "optimizer", kernel);
        launch.Add(_addresses, _counts, _chunks);
        return launch;
    }

    /// <summary>Adds the last argument, the number of tensors, and runs one block per chunk.</summary>
    internal void Run(ref CudaLaunch launch)
    {
        launch.Add(_gradients.Count);
        // Gradients are only read. Tensors that a step changes are read and written.
        launch.AddTraffic(_columns.Sum(column =>
            column is null ? 0 : (ReferenceEquals(column, _gradients) ? 1 : 2) * column.Sum(tensor => tensor.Bytes)));
        if (ChunkTensors.Count > 0)
            launch.Run(new dim3(ChunkTensors.Count), new dim3(CudaLaunch.Threads));
        GC.KeepAlive(this);
    }

    private long Address(Tensor tensor, Tensor gradient)
    {
        if (tensor.DType != DType.Float32 || tensor.Device.Kind != DeviceKind.Cuda || tensor.Device != Device)
            throw new ShapeException(nameof(TensorTable), "tensor", $"{tensor} on {tensor.Device}",
                $"float32 on a CUDA device, all on the first one's, {Device}");
        if (tensor.Shape != gradient.Shape)
            throw new ShapeException(nameof(TensorTable), "tensor", tensor, $"{gradient} like its gradient");
        return (long)(ulong)tensor.DevicePointer.Pointer;
    }
}
