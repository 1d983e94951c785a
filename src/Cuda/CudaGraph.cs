using CsUnet.Cuda.Native;

namespace CsUnet.Cuda;

/// <summary>
/// Recorded work and its dependencies, from <see cref="CudaStream.EndCapture"/>; not yet ready to run. A graph is not thread-safe: one
/// thread at a time.
/// </summary>
public sealed unsafe class CudaGraph : IDisposable
{
    private readonly ResourceHandle _handle;
    private readonly string[] _kernels;

    /// <summary>Makes an empty graph in the current context.</summary>
    public CudaGraph() : this(ContextState.RequireCurrent("CudaGraph"), Create(), []) { }

    internal CudaGraph(ContextState context, CUgraph graph, string[] kernels)
    {
        _kernels = kernels;
        _handle = new ResourceHandle(context, ResourceKind.Graph, graph.Pointer,
        nameof(CudaGraph), handle => DriverNative.cuGraphDestroy(new CUgraph(handle)));
    }

    /// <summary>The driver's handle.</summary>
    public CUgraph Graph => new(_handle.Value);

    /// <summary>The nodes: launches, copies, memsets.</summary>
    public CUgraphNode[] GetNodes()
    {
        CUgraph graph = new(_handle.Enter("CudaGraph.GetNodes"));
        nuint count = 0;
        Driver.Check(DriverNative.cuGraphGetNodes(graph, null, &count), $"cuGraphGetNodes(graph=0x{graph.Pointer:x})");
        var nodes = new CUgraphNode[(int)count];
        if (count > 0)
        {
            fixed (CUgraphNode* start = nodes)
                Driver.Check(DriverNative.cuGraphGetNodes(graph, start, &count),
                    $"cuGraphGetNodes(graph=0x{graph.Pointer:x}, count={count})");
        }
        return nodes;
    }

    /// <summary>Makes the graph executable. The graph may be disposed afterwards.</summary>
    /// <param name="flags">How to.</param>
    /// <returns>The executable graph. The caller disposes it.</returns>
    public CudaGraphExec Instantiate(CUgraphInstantiate_flags flags)
    {
        CUgraph graph = new(_handle.Enter("CudaGraph.Instantiate"));
        CUgraphExec executable = default;
        Driver.Check(DriverNative.cuGraphInstantiateWithFlags(&executable, graph, (ulong)flags),
            $"cuGraphInstantiateWithFlags(graph=0x{graph.Pointer:x}, flags={flags})");
        return new CudaGraphExec(_handle.Context, executable, Describe());
    }

    /// <summary>Destroys the graph.</summary>
    public void Dispose() => _handle.Release("cuGraphDestroy");

    /// <summary>What a fault of the graph names: its kernels, each once, in order.</summary>
    internal string Describe() => $"graph of {_kernels.Length} launches [{string.Join(", ", _kernels.Distinct())}]";

    private static CUgraph Create()
    {
        CUgraph graph = default;
        Driver.Check(DriverNative.cuGraphCreate(&graph, 0), $"cuGraphCreate(flags=0)");
        return graph;
    }
}

/// <summary>
/// An executable graph: runs all its work with one call. One run at a time: runs are ordered one after the other, on whichever stream.
/// One thread at a time.
/// </summary>
public sealed unsafe class CudaGraphExec : IDisposable
{
    private readonly ResourceHandle _handle;

    private string _description;

    internal CudaGraphExec(ContextState context, CUgraphExec executable, string description)
    {
        _description = description;
        _handle = new ResourceHandle(context, ResourceKind.GraphExec,
        executable.Pointer, nameof(CudaGraphExec), handle => DriverNative.cuGraphExecDestroy(new CUgraphExec(handle)));
    }

    /// <summary>The driver's handle.</summary>
    public CUgraphExec Graph => new(_handle.Value);

    /// <summary>Enqueues the graph on a stream.</summary>
    public void Launch(CudaStream stream)
    {
        CUgraphExec executable = new(_handle.Enter("CudaGraphExec.Launch"));
        _handle.Context.History.Add(_description, new dim3(1u), new dim3(1u));
        Driver.Check(DriverNative.cuGraphLaunch(executable, stream.Stream),
            $"cuGraphLaunch(graph=0x{executable.Pointer:x}, stream=0x{stream.Stream.Pointer:x})");
        if (!_handle.Context.SynchronizeAfterLaunch)
            return;
        long position = _handle.Context.History.Position;
        Driver.Check(DriverNative.cuCtxSynchronize(), $"CudaGraphExec.Launch, waited for because of CSUNET_CUDA_SYNC=1");
        _handle.Context.History.Complete(position);
    }

    /// <summary>Copies the graph to the device ahead of its first launch.</summary>
    public void Upload(CudaStream stream)
        => Driver.Check(DriverNative.cuGraphUpload(new CUgraphExec(_handle.Enter("CudaGraphExec.Upload")), stream.Stream),
            $"cuGraphUpload(graph=0x{_handle.Raw:x}, stream=0x{stream.Stream.Pointer:x})");

    /// <summary>
    /// Takes over the arguments and shapes of a graph with the same nodes and dependencies; cheaper than instantiating anew.
    /// </summary>
    /// <param name="graph">The graph with the new arguments.</param>
    /// <returns>
    /// <see cref="CUgraphExecUpdateResult.Success"/>, or why this executable graph cannot take the update (it is unchanged then):
    /// instantiate anew.
    /// </returns>
    public CUgraphExecUpdateResult Update(CudaGraph graph)
    {
        CUgraphNode node = default;
        CUgraphExecUpdateResult outcome = default;
        CUResult result = DriverNative.cuGraphExecUpdate(new CUgraphExec(_handle.Enter("CudaGraphExec.Update")), graph.Graph, &node,
            &outcome);
        if (result != CUResult.ErrorGraphExecUpdateFailure)
            Driver.Check(result, $"cuGraphExecUpdate(graph=0x{_handle.Raw:x}, from=0x{graph.Graph.Pointer:x})");
        if (outcome == CUgraphExecUpdateResult.Success)
            _description = graph.Describe();
        return outcome;
    }

    /// <summary>Destroys the executable graph.</summary>
    public void Dispose() => _handle.Release("cuGraphExecDestroy");
}
