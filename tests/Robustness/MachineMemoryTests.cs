using CsUnet.Tensors;
using CsUnet.Tests.Cli;

namespace CsUnet.Tests.Robustness;

/// <summary>The memory of a process is that of its control group, if that is less than the machine's.</summary>
public sealed class MachineMemoryTests : IDisposable
{
    private const long Gibibyte = 1L << 30;

    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void This_machine_has_memory() => Assert.InRange(MachineMemory.Limit(), 1L << 26, 1L << 50);

    [Theory]
    [InlineData("0::/", "", "max", 8)]
    [InlineData("0::/", "memory.max", "3221225472", 3)]
    [InlineData("0::/a/b", "a/b/memory.max", "3221225472", 3)]
    [InlineData("0::/a/b", "a/memory.max", "1073741824", 1)]
    [InlineData("0::/a/b", "memory.max", "2147483648", 2)]
    [InlineData("0::/a", "memory.max", "17179869184", 8)]
    [InlineData("4:cpu,memory:/x\n0::/", "memory/x/memory.limit_in_bytes", "2147483648", 2)]
    [InlineData("4:memory:/host/path", "memory/memory.limit_in_bytes", "1073741824", 1)]
    [InlineData("4:cpu:/x", "memory/x/memory.limit_in_bytes", "1073741824", 8)]
    public void The_least_limit_of_all_groups_counts(string own, string file, string limit, int gibibytes)
    {
        _workspace.Write("proc/meminfo", "MemTotal:        8388608 kB\nMemFree:         1024 kB\n");
        _workspace.Write("proc/self/cgroup", own.Replace("\\n", "\n", StringComparison.Ordinal));
        if (file.Length > 0)
            _workspace.Write($"sys/fs/cgroup/{file}", limit + "\n");
        Assert.Equal(gibibytes * Gibibyte, MachineMemory.Limit(_workspace.Root));
    }
}
