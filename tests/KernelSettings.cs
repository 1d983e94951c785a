using CsUnet.Kernels.Cpu;
using CsUnet.Tensors;

namespace CsUnet.Tests;

/// <summary>Tests that change the vector width or the number of threads run alone: both are settings of the process.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class KernelSettings
{
    public const string Name = "kernel settings";

    /// <summary>Sets vector width and threads until the result is disposed.</summary>
    internal static IDisposable Use(bool narrow, int threads) => new Scope(narrow, threads);

    private sealed class Scope : IDisposable
    {
        private readonly bool _narrow = VectorWidth.ForceNarrow;
        private readonly int _threads = Workers.Count;

        public Scope(bool narrow, int threads)
        {
            VectorWidth.ForceNarrow = narrow;
            Workers.Count = threads;
        }

        public void Dispose()
        {
            VectorWidth.ForceNarrow = _narrow;
            Workers.Count = _threads;
        }
    }
}
