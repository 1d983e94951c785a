using CsUnet.Cuda.BasicTypes;
using CsUnet.Cuda.Native;

namespace CsUnet.Cuda;

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
