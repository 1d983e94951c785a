using System.Globalization;
using System.Text;

namespace CsUnet.Tensors;

[System.Diagnostics.DebuggerDisplay("{Format()}")]
public sealed unsafe partial class Tensor
{
    // The defaults of torch.set_printoptions.
    private const int MostElements = 1000, Edge = 3, Digits = 4;
    private const double ScientificAbove = 1e8, ScientificBelow = 1e-4, ScientificRange = 1e3;

    /// <summary>The only element of a tensor on any device, as a double.</summary>
    /// <exception cref="InvalidOperationException">The tensor has more than one element, or none.</exception>
    public double Item() => Count == 1
        ? To(Device.Cpu)[0]
        : throw new InvalidOperationException($"Item: tensor {this} has {Count} elements, expected one");

    /// <summary>
    /// A copy of the elements, row-major, from any device. The tensor's memory stays alive while it is copied; a span of
    /// <see cref="AsSpan{T}"/> does not keep it alive.
    /// </summary>
    /// <exception cref="InvalidOperationException">
    /// The element type differs, or the tensor was a temporary of a step that has ended.
    /// </exception>
    public T[] ToArray<T>() where T : unmanaged
    {
        Tensor here = To(Device.Cpu);
        T[] values = here.AsSpan<T>().ToArray();
        GC.KeepAlive(here);
        return values;
    }

    /// <summary>Element (first, second, ...), as a double.</summary>
    /// <param name="first">Index in the outermost dimension.</param>
    /// <param name="second">Index in the next dimension.</param>
    /// <param name="more">Indices in the other dimensions.</param>
    /// <exception cref="ArgumentException">The number of indices is not the number of dimensions.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An index is outside its dimension.</exception>
    [System.Runtime.CompilerServices.IndexerName("Element")]
    public double this[int first, int second, params ReadOnlySpan<int> more]
    {
        get => this[Place([first, second, .. more])];
        set => this[Place([first, second, .. more])] = value;
    }

    /// <summary>
    /// The numbers in rows and brackets, as PyTorch prints them, followed by element type and shape. A tensor with more than 1000 elements
    /// shows only the first and last three entries of each dimension.
    /// </summary>
    /// <example><code>
    /// [[ 0.5000, -1.0000],
    ///  [ 2.0000,  0.2500]]  float32 (2,2)
    /// </code></example>
    public string Format()
    {
        Tensor here = To(Device.Cpu);
        int edge = Count > MostElements ? Edge : int.MaxValue;
        var places = new List<long>();
        here.Collect(0, 0, edge, places);
        Func<double, string> number = NumberFormat([.. places.Select(place => here[place])], DType);
        int width = places.Count == 0 ? 0 : places.Max(place => number(here[place]).Length);
        var text = new StringBuilder();
        here.Write(text, 0, 0, edge, place => number(here[place]).PadLeft(width));
        return $"{text}  {this}";
    }

    private long Place(ReadOnlySpan<int> indices)
    {
        if (indices.Length != Shape.Rank)
            throw new ArgumentException($"tensor {this}: {indices.Length} indices, expected {Shape.Rank}, one per dimension");
        long place = 0;
        for (int i = 0; i < indices.Length; i++)
        {
            if (indices[i] < 0 || indices[i] >= Shape[i])
                throw new ArgumentOutOfRangeException(
                    nameof(indices), $"tensor {this}: index {indices[i]} of dimension {i}, expected 0 to {Shape[i] - 1}");
            place = place * Shape[i] + indices[i];
        }
        return place;
    }

    // The entries of a dimension that are written; -1 stands for the omitted ones.
    private static IEnumerable<int> Entries(int size, int edge)
    {
        if (size <= 2L * edge)
            return Enumerable.Range(0, size);
        return [.. Enumerable.Range(0, edge), -1, .. Enumerable.Range(size - edge, edge)];
    }

    private void Collect(int dimension, long start, int edge, List<long> places)
    {
        if (dimension == Shape.Rank)
        {
            places.Add(start);
            return;
        }
        foreach (int entry in Entries(Shape[dimension], edge))
            if (entry >= 0)
                Collect(dimension + 1, start * Shape[dimension] + entry, edge, places);
    }

    private void Write(StringBuilder text, int dimension, long start, int edge, Func<long, string> number)
    {
        if (dimension == Shape.Rank)
        {
            text.Append(number(start));
            return;
        }
        bool innermost = dimension == Shape.Rank - 1;
        // An empty line separates the matrices of a larger tensor.
        string between = innermost ? ", " : "," + new string('\n', Shape.Rank - 1 - dimension) + new string(' ', dimension + 1);
        text.Append('[');
        bool first = true;
        foreach (int entry in Entries(Shape[dimension], edge))
        {
            text.Append(first ? "" : between);
            first = false;
            if (entry < 0)
                text.Append("...");
            else
                Write(text, dimension + 1, start * Shape[dimension] + entry, edge, number);
        }
        text.Append(']');
    }

    private static Func<double, string> NumberFormat(double[] values, DType type)
    {
        if (type.IsInteger())
            return value => value.ToString("F0", CultureInfo.InvariantCulture);
        double[] sizes = [.. values.Where(value => double.IsFinite(value) && value != 0).Select(Math.Abs)];
        double largest = sizes.DefaultIfEmpty(0).Max(), least = sizes.DefaultIfEmpty(1).Min();
        bool whole = values.All(value => !double.IsFinite(value) || value == Math.Round(value));
        bool scientific = largest > ScientificAbove || (!whole && (least < ScientificBelow || largest / least > ScientificRange));
        string format = scientific ? $"0.{new string('0', Digits)}e+00" : $"F{Digits}";
        return value => double.IsNaN(value) ? "nan"
            : double.IsInfinity(value) ? value > 0 ? "inf" : "-inf"
            : whole && !scientific ? value.ToString("F0", CultureInfo.InvariantCulture) + "."
            : value.ToString(format, CultureInfo.InvariantCulture);
    }
}
