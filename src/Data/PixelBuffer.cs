using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace CsUnet.Data;

/// <summary>A sample during augmentation: (H, W, C) levels of 0 to 255, not rounded between operations. Reused for every
/// sample.</summary>
internal sealed class PixelBuffer
{
    private float[] _pixels = [];
    private float[] _rows = [];
    private float[] _sums = [];

    public float[] Pixels => _pixels;

    public int Height { get; private set; }

    public int Width { get; private set; }

    public int Channels { get; private set; }

    /// <summary>The levels in use; the array may be longer.</summary>
    public Span<float> Used => _pixels.AsSpan(0, Height * Width * Channels);

    public void Resize(int height, int width, int channels)
    {
        (Height, Width, Channels) = (height, width, channels);
        int length = checked(height * width * channels);
        if (_pixels.Length < length)
            _pixels = new float[length];
    }

    public void Clip()
    {
        foreach (ref float level in Used)
            level = Math.Clamp(level, 0, 255);
    }

    /// <summary>Sums over squares of side 2 radius + 1 around every pixel, with the image padded by reflection.</summary>

    public Span<float> BoxSums(int radius)
    {
        int length = Height * Width * Channels, rowLength = Width * Channels;
        if (_sums.Length < length)
            (_rows, _sums) = (new float[length], new float[length]);
        // rows[y,x,c] = sum over dx of pixels[y, reflect(x+dx), c]; sums[y,x,c] = sum over dy of rows[reflect(y+dy), x, c]
        Array.Clear(_rows, 0, length);
        Array.Clear(_sums, 0, length);
        for (int d = -radius; d <= radius; d++)
            for (int x = 0; x < Width; x++)
            {
                int source = Image.Reflect(x + d, Width) * Channels, target = x * Channels;
                for (int y = 0, row = 0; y < Height; y++, row += rowLength)
                    for (int c = 0; c < Channels; c++)
                        _rows[row + target + c] += _pixels[row + source + c];
            }
        for (int y = 0; y < Height; y++)
            for (int d = -radius; d <= radius; d++)
            {
                Span<float> target = _sums.AsSpan(y * rowLength, rowLength);
                TensorPrimitives.Add(target, _rows.AsSpan(Image.Reflect(y + d, Height) * rowLength, rowLength), target);
            }
        return _sums.AsSpan(0, length);
    }
}
