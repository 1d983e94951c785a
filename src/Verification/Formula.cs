using System.Text;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <summary>
/// Numbers computed from a name, reproducible in any language: the parameters and inputs of golden cases that store none.
/// u_i = (splitmix64(fnv1a64(name) + i) >> 40) / 2^23 - 1, in the order of the public (PyTorch) layout.
/// </summary>
public static class Formula
{
    /// <summary>FNV-1a of the UTF-8 bytes of a name, 64 bits.</summary>
    public static ulong NameHash(string name)
    {
        ulong hash = 0xCBF29CE484222325;
        foreach (byte b in Encoding.UTF8.GetBytes(name))
            hash = (hash ^ b) * 0x100000001B3;
        return hash;
    }

    /// <summary>Element <paramref name="index"/> of the sequence of a name's hash, in [-1, 1), exact in float32.</summary>
    public static double Uniform(ulong nameHash, long index)
    {
        ulong x = unchecked(nameHash + (ulong)index + 0x9E3779B97F4A7C15);
        x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
        x = (x ^ x >> 27) * 0x94D049BB133111EB;
        return ((x ^ x >> 31) >> 40) / 8388608.0 - 1;
    }

    /// <summary>An input: u of a name.</summary>
    public static Tensor Input(string name, Shape shape, DType type) => Fill(shape, type, name, 0, 1);

    /// <summary>
    /// The parameter of a state-dict name: 0.2 u for position-bias tables, 1 + 0.1 u for one-dimensional weights, 0.1 u for other
    /// one-dimensional ones, else sqrt(3 n_0 / n) u, rounded to float32.
    /// </summary>
    public static Tensor Parameter(string name, Shape shape, DType type)
    {
        if (name.EndsWith("bias_table", StringComparison.Ordinal))
            return Fill(shape, type, name, 0, 0.2);
        if (shape.Rank == 1)
            return Fill(shape, type, name, name.EndsWith("weight", StringComparison.Ordinal) ? 1 : 0, 0.1);
        return Fill(shape, type, name, 0, Math.Sqrt(3.0 * shape[0] / shape.Count));
    }

    /// <summary>Sets every parameter of a module by its state-dict name, and its buffers to their initial values.</summary>
    public static void Fill(Module module)
    {
        module.Allocate();
        foreach (StateEntry entry in module.State().Where(entry => entry.Variable is Autograd.Parameter))
            entry.Variable.SetValue(entry.FromFile(Parameter(entry.Name, entry.FileShape, module.DType)), module.Device);
    }

    private static Tensor Fill(Shape shape, DType type, string name, double offset, double scale)
    {
        Tensor tensor = Tensor.Empty(shape, type);
        ulong hash = NameHash(name);
        for (long i = 0; i < tensor.Count; i++)
            tensor[i] = (float)(offset + scale * Uniform(hash, i));
        return tensor;
    }
}
