using CsUnet.Cuda.BasicTypes;

namespace CsUnet.Cuda;

/// <summary>
/// The only owner of a driver handle. The context lists it from creation to release, which exposes leaks. It has no
/// finaliser, because the finaliser's thread would call the driver when the context may already be destroyed.
/// </summary>
internal sealed class ResourceHandle
{
    private readonly nint _value;
    private readonly Func<nint, CUResult>? _release;
    private int _released;

    /// <summary>Takes over a handle.</summary>
    /// <param name="context">The context it lives in.</param>
    /// <param name="kind">What it is.</param>
    /// <param name="value">The driver's handle.</param>
    /// <param name="name">Its name in messages, such as <c>CudaStream</c>.</param>
    /// <param name="release">Releases it; null if it is owned elsewhere.</param>
    /// <param name="bytes">Size in bytes, for memory.</param>
    internal ResourceHandle(ContextState context, ResourceKind kind, nint value, string name, Func<nint, CUResult>? release, long bytes = 0)
    {
        (Context, Kind, _value, Name, _release, Bytes) = (context, kind, value, name, release, bytes);
        if (release is null)
            return;
        if (CudaContext.RecordAllocationStacks)
            Stack = Environment.StackTrace;
        context.Resources[this] = 0;
    }

    internal ContextState Context { get; }

    internal ResourceKind Kind { get; }

    internal string Name { get; }

    internal long Bytes { get; }

    internal string? Stack { get; }

    /// <summary>The handle without any check.</summary>
    internal nint Raw => _value;

    internal bool IsOwner => _release is not null;

    internal bool IsReleased => _released != 0;

    /// <summary>The handle, checked before a call.</summary>
    /// <exception cref="ObjectDisposedException">It or its context was disposed.</exception>
    internal nint Value
    {
        get
        {
            if (_released != 0 || Context.IsDestroyed)
                ThrowDisposed();
            return _value;
        }
    }

    /// <summary>The handle, for a call that needs its context to be current.</summary>
    internal nint Enter(string operation)
    {
        nint value = Value;
        Context.RequireThis(operation);
        return value;
    }

    /// <summary>Releases the handle once; any thread may call it.</summary>
    internal void Release(string call)
    {
        if (Forget() && !Context.IsDestroyed)
        {
            CUResult result = default;
            Context.Enter(() => result = _release!(_value));
            Context.CheckRelease(result, $"{call}(0x{_value:x})");
        }
    }

    /// <summary>Marks the handle as released by other means; false if it already was, or is not owned.</summary>
    internal bool Forget()
    {
        if (Interlocked.Exchange(ref _released, 1) != 0)
            return false;
        Context.Resources.TryRemove(this, out _);
        return IsOwner;
    }

    private void ThrowDisposed() => throw new ObjectDisposedException(Name, _released != 0
        ? $"{Name} 0x{_value:x} was used after it was disposed."
        : $"{Name} 0x{_value:x} was used after its CUDA context (device {Context.DeviceId}) was disposed.");
}
