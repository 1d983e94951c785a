using System.Collections.Concurrent;
using System.Text;
using CsUnet.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// Chooses the variant of an operator: the one that this thread has forced; else the fastest one that a search has stored for device,
/// operator, element type and shapes; else the operator's first variant that supports the call. Stored choices are one file per device, in
/// the folder <c>tuning</c> of the <see cref="UserCache"/>, or in the folder that the environment variable <c>CSUNET_TUNING</c> names. A
/// file has a checksum; one that is damaged, or that somebody else may write, is passed over, and <see cref="UserCache.Noted"/> says so.
/// </summary>
public static class KernelChoices
{
    [ThreadStatic] private static KernelChoice? t_forced;
    private static readonly Lock s_lock = new();
    // A device's choices are read once and replaced as a whole, so that a call looks them up without a lock.
    private static readonly ConcurrentDictionary<Device, IReadOnlyDictionary<string, KernelChoice>> s_stored = [];

    /// <summary>The folder of the stored choices; it need not exist.</summary>
    /// <exception cref="IOException">There is none, because the user has no cache folder that may be used.</exception>
    public static string Folder => FindFolder(out string? problem) ?? throw new IOException(
        $"{problem}; or let CSUNET_TUNING name a folder for the kernel choices");

    /// <summary>Forces this variant for this thread's operators that have it, until the result is disposed.</summary>
    public static Forced Force(KernelChoice choice)
    {
        var scope = new Forced(t_forced);
        t_forced = choice;
        return scope;
    }

    /// <summary>
    /// The choice for a call; null: the operator's first variant that supports it. Every call comes here. Without a forced or stored
    /// choice, it is a lookup that allocates nothing.
    /// </summary>
    internal static KernelChoice? For(OperatorCall call)
    {
        Device device = call[0].Device;
        IReadOnlyList<KernelVariant> variants = call.Operator.Variants(device.Kind);
        if (variants.Count == 0)
            return null;
        if (t_forced is { } forced)
            return Named(variants, forced.Variant) is null ? null : forced;
        IReadOnlyDictionary<string, KernelChoice> stored = Stored(device);
        return stored.Count > 0 && stored.TryGetValue(Key(call), out KernelChoice? choice)
            // An older program or another machine may have stored a variant or a value that does not exist here.
            && Named(variants, choice.Variant) is { } variant && variant.Searches(choice)
            ? choice
            : null;
    }

    private static KernelVariant? Named(IReadOnlyList<KernelVariant> variants, string name)
    {
        for (int i = 0; i < variants.Count; i++)
            if (variants[i].Name == name)
                return variants[i];
        return null;
    }

    /// <summary>
    /// Stores the best choice for an operator on inputs like these, in <see cref="Precisions.Current"/>. It applies from now on, and in
    /// later runs.
    /// </summary>
    /// <param name="device">Where it was measured.</param>
    /// <param name="op">The operator.</param>
    /// <param name="inputs">Its inputs.</param>
    /// <param name="choice">The choice.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Store(Device device, Operator op, IReadOnlyList<Tensor?> inputs, KernelChoice choice)
    {
        lock (s_lock)
        {
            // Keep what another process has stored since this one read the file.
            Dictionary<string, KernelChoice> stored = Read(PathOf(device));
            stored[Key(new OperatorCall(op, [.. inputs]))] = choice;
            Write(PathOf(device), stored);
            s_stored[device] = stored;
        }
    }

    /// <summary>Discards all choices read so far; the next call reads the files again.</summary>
    public static void Reload() => s_stored.Clear();

    /// <summary>The file with a device's choices; it need not exist.</summary>
    /// <exception cref="IOException">There is no folder for it; see <see cref="Folder"/>.</exception>
    public static string PathOf(Device device) => Path.Combine(Folder, FileName(device));

    private static bool IsNamed => Environment.GetEnvironmentVariable("CSUNET_TUNING") is { Length: > 0 };

    private static string? FindFolder(out string? problem)
    {
        if (Environment.GetEnvironmentVariable("CSUNET_TUNING") is not { Length: > 0 } named)
            return UserCache.Find("tuning", out problem);
        problem = UserCache.Problem(named);
        if (problem is null)
            return named;
        problem = $"CSUNET_TUNING: {problem}";
        return null;
    }

    private static string FileName(Device device)
    {
        string name = device.Kind == DeviceKind.Cpu ? "cpu" : CudaDevice.Get(device).Properties.DeviceName;
        var file = new StringBuilder();
        foreach (char c in name)
            file.Append(char.IsAsciiLetterOrDigit(c) ? char.ToLowerInvariant(c) : '-');
        return $"{file}.json";
    }

    /// <summary>Operator with its settings and shapes, and the element type or tf32.</summary>
    internal static string Key(OperatorCall call) => $"{call.Operator.TuningKey(call.Inputs)} "
        + (call.Precision == Precision.Tf32 ? call.Precision.Label() : call[0].DType.Label());

    private static IReadOnlyDictionary<string, KernelChoice> Stored(Device device) =>
        s_stored.TryGetValue(device, out IReadOnlyDictionary<string, KernelChoice>? stored)
            ? stored
            : s_stored.GetOrAdd(device, Read(device));

    private static Dictionary<string, KernelChoice> Read(Device device)
    {
        if (FindFolder(out string? problem) is { } folder)
            return Read(Path.Combine(folder, FileName(device)));
        // Where there is no folder at all, nothing is passed over.
        if (UserCache.IsNamed || IsNamed)
            UserCache.Note($"{problem}. Kernels chosen by a search are not read");
        return [];
    }

    /// <summary>The choices of a file; none if it may not be used. What a call computes does not need them.</summary>
    private static Dictionary<string, KernelChoice> Read(string path)
    {
        if (UserCache.Read(path) is not { } bytes)
            return [];
        try
        {
            return KernelChoiceText.Parse(bytes);
        }
        catch (FormatException failure)
        {
            UserCache.Note($"{path} is passed over: {failure.Message}; delete it, or search for the choices again");
            return [];
        }
    }

    private static void Write(string path, Dictionary<string, KernelChoice> stored) =>
        // The file is renamed into place, so another process reads either the complete old file or the complete new one.
        UserCache.Write(path, KernelChoiceText.Compose(stored));

    /// <summary>The scope of a <see cref="Force"/>.</summary>
    public readonly struct Forced : IDisposable
    {
        private readonly KernelChoice? _previous;

        internal Forced(KernelChoice? previous) => _previous = previous;

        /// <summary>Ends the scope.</summary>
        public void Dispose() => t_forced = _previous;
    }
}
