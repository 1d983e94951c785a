using CsUnet.Tensors;

namespace CsUnet.Data;

/// <summary>Smooth noise in [-1, 1]: random values on a lattice of the given spacings, turned by an angle, interpolated between.</summary>
internal sealed class ValueNoise(RandomKey key, float alongSpacing, float acrossSpacing, float angle)
{
    private readonly float _cosine = MathF.Cos(angle), _sine = MathF.Sin(angle);

    public float this[int y, int x]
    {
        get
        {
            float u = (_cosine * x + _sine * y) / alongSpacing, v = (_cosine * y - _sine * x) / acrossSpacing;
            int column = (int)MathF.Floor(u), row = (int)MathF.Floor(v);
            float across = Smooth(u - column), down = Smooth(v - row);
            float above = Mix(Node(row, column), Node(row, column + 1), across),
                below = Mix(Node(row + 1, column), Node(row + 1, column + 1), across);
            return Mix(above, below, down);
        }
    }

    private float Node(int row, int column) => (float)(2 * key.Uniform((ulong)(uint)row << 32 | (uint)column) - 1);

    private static float Smooth(float t) => t * t * (3 - 2 * t);

    private static float Mix(float a, float b, float t) => a + (b - a) * t;
}
