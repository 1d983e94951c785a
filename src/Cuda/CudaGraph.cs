using CsUnet.Cuda.BasicTypes;
using CsUnet.Cuda.Native;

namespace CsUnet.Cuda;

/// <summary>
/// Captured work and its dependencies, from <see cref="CudaStream.EndCapture"/>; instantiate it to run it. A graph is not thread-safe: one
/// thread at a time.
/// </summary>
public sealed unsafe class CudaGraph : IDisposable
{
    private readonly ResourceHandle _handle;
    private readonly string[] _kernels;

    /// <summary>Creates an empty graph in the current context.</summary>
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

    /// <summary>Instantiates the graph: makes it executable. The graph may be disposed afterwards.</summary>
    /// <param name="flags">Options.</param>
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

    /// <summary>The graph in an error message: its kernels, each once, in order.</summary>
    internal string Describe() => $"graph of {_kernels.Length} launches [{string.Join(", ", _kernels.Distinct())}]";

    private static CUgraph Create()
    {
        CUgraph graph = default;
        Driver.Check(DriverNative.cuGraphCreate(&graph, 0), $"cuGraphCreate(flags=0)");
        return graph;
    }
}
