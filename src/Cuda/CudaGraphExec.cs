using CsUnet.Cuda.BasicTypes;
using CsUnet.Cuda.Native;

namespace CsUnet.Cuda;

/// <summary>
/// An executable graph: one call runs all its work. Runs do not overlap, even on different streams.
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

    /// <summary>Uploads the graph to the device before its first launch.</summary>
    public void Upload(CudaStream stream)
        => Driver.Check(DriverNative.cuGraphUpload(new CUgraphExec(_handle.Enter("CudaGraphExec.Upload")), stream.Stream),
            $"cuGraphUpload(graph=0x{_handle.Raw:x}, stream=0x{stream.Stream.Pointer:x})");

    /// <summary>
    /// Updates the arguments and shapes from a graph with the same nodes and dependencies. This is cheaper than instantiating it.
    /// </summary>
    /// <param name="graph">The graph with the new arguments.</param>
    /// <returns>
    /// <see cref="CUgraphExecUpdateResult.Success"/>, or why the update is impossible. The executable graph is then unchanged:
    /// instantiate the new graph.
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
