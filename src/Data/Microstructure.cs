namespace CsUnet.Data;

/// <summary>
/// The geometry of a synthetic micrograph: labels, and each pixel's distance from secondary precipitates. Precipitates are placed one by
/// one at random: first with a gap to the earlier ones, then as lobes grown onto these.
/// </summary>
internal sealed class Microstructure
{
    private const byte Matrix = 0, Secondary = 1, Tertiary = 2;
    private const float SecondaryGap = 4, TertiaryGap = 1.5f;

    // Pixels that no further precipitate may cover.
    private readonly bool[] _blocked;
    private readonly RandomStream _random;

    public Microstructure(int height, int width, RandomStream random)
    {
        (Height, Width, _random) = (height, width, random);
        Labels = new byte[height * width];
        _blocked = new bool[height * width];
        PlaceSecondary();
        Distance = Distances();
        PlaceTertiary();
    }

    public int Height { get; }

    public int Width { get; }

    /// <summary>(H, W).</summary>
    public byte[] Labels { get; }

    /// <summary>(H, W), pixels to the nearest secondary precipitate.</summary>
    public float[] Distance { get; }

    // |u/a|^n + |v/a|^n < 1 about (y, x), rotated, with a radius that varies with the angle: a cuboid rounded by its growth.
    private readonly record struct Cuboid(float Y, float X, float A, float B, float Angle, float Exponent, float Wave, float Phase)
    {
        // The corner of a square is sqrt(2) away; the varying radius needs a little more.
        public float Reach => (Exponent > 2 ? 1.4f : 1.1f) * MathF.Max(A, B);

        public bool Holds(float y, float x, float margin)
        {
            float dy = y - Y, dx = x - X, reach = Reach + margin;
            if (dy * dy + dx * dx > reach * reach)
                return false;
            float cosine = MathF.Cos(Angle), sine = MathF.Sin(Angle);
            float u = cosine * dx + sine * dy, v = cosine * dy - sine * dx, polar = MathF.Atan2(v, u);
            float wave = 1 + Wave * (MathF.Sin(2 * polar + Phase) + 0.6f * MathF.Sin(3 * polar + 2 * Phase)
                + 0.4f * MathF.Sin(5 * polar + 3 * Phase));
            float level = MathF.Pow(MathF.Abs(u) / (A * wave + margin), Exponent) + MathF.Pow(MathF.Abs(v) / (B * wave + margin), Exponent);
            return level < 1;
        }
    }

    private void PlaceSecondary()
    {
        float target = _random.Between(0.44f, 0.5f) * Labels.Length;
        int most = (int)(0.51f * Labels.Length), covered = 0;
        // All precipitates share the crystal's axes.
        float crystal = _random.Between(0, MathF.PI / 2), largest = MathF.Min(44, 0.25f * MathF.Min(Height, Width)), size = largest;
        for (int attempt = 0; covered < target && attempt < 400; attempt++)
        {
            covered += TryPlace(Family(crystal, size), Secondary, SecondaryGap, most - covered);
            size = MathF.Max(0.35f * largest, size * 0.99f);
        }
        // The remaining area grows onto existing precipitates: this forms their lobes and keeps the matrix between them open.
        // Lobes get smaller until the target is met: a lobe of 3 pixels always fits.
        size = 0.7f * largest;
        for (int attempt = 0; covered < target && attempt < 4000; attempt++)
        {
            int y = _random.Integer(0, Height - 1), x = _random.Integer(0, Width - 1);
            Cuboid lobe = Grain(y, x, size * _random.Between(0.6f, 1), crystal);
            if (Labels[y * Width + x] == Secondary)
                covered += TryPlace([lobe], Secondary, SecondaryGap, most - covered, grown: true);
            size = MathF.Max(3, size * 0.998f);
        }
    }

    // One precipitate, or several that have grown into each other along the crystal's axes.
    private Cuboid[] Family(float crystal, float size)
    {
        var cuboids = new Cuboid[_random.Between(0, 1) < 0.5f ? 1 : _random.Integer(2, 6)];
        float y = _random.Between(-0.3f * size, Height + 0.3f * size), x = _random.Between(-0.3f * size, Width + 0.3f * size);
        for (int i = 0; i < cuboids.Length; i++)
        {
            Cuboid grain = cuboids[i] = Grain(y, x, size * _random.Between(0.45f, 1), crystal);
            float direction = grain.Angle + _random.Integer(0, 3) * MathF.PI / 2, step = _random.Between(0.9f, 1.35f) * grain.A;
            (y, x) = (y + step * MathF.Sin(direction), x + step * MathF.Cos(direction));
        }
        return cuboids;
    }

    private Cuboid Grain(float y, float x, float size, float crystal) => new(
        y, x, size, size * _random.Between(0.6f, 1), crystal + 0.18f * _random.Normal(), _random.Between(2.2f, 3.6f),
        _random.Between(0.02f, 0.08f),
        _random.Between(0, 2 * MathF.PI));

    private void PlaceTertiary()
    {
        float target = _random.Between(0.021f, 0.028f) * Labels.Length;
        int most = (int)(0.032f * Labels.Length), covered = 0;
        // Clusters lie in open matrix; if there is none, single dots are placed anywhere.
        int[] open = [.. Enumerable.Range(0, Labels.Length).Where(pixel => Distance[pixel] > 11)];
        int[] narrow = [.. Enumerable.Range(0, Labels.Length).Where(pixel => Distance[pixel] > 3)];
        int clusters = open.Length == 0 ? 0 : 200;
        for (int attempt = 0; covered < target && attempt < clusters; attempt++)
        {
            int centre = open[_random.Integer(0, open.Length - 1)], dots = _random.Integer(4, 22);
            float spread = _random.Between(8, 22), typical = _random.Between(2.4f, 4.8f);
            for (int dot = 0; dot < dots && covered < target; dot++)
                covered += TryPlace([Dot(centre / Width + spread * _random.Normal(), centre % Width + spread * _random.Normal(), typical)],
                    Tertiary, TertiaryGap, most - covered);
        }
        for (int attempt = 0; covered < target && attempt < 4000 && narrow.Length > 0; attempt++)
        {
            int centre = narrow[_random.Integer(0, narrow.Length - 1)];
            covered += TryPlace([Dot(centre / Width, centre % Width, 2)], Tertiary, TertiaryGap, most - covered);
        }
    }

    private Cuboid Dot(float y, float x, float typical)
    {
        float radius = typical * _random.Between(0.7f, 1.4f);
        return new Cuboid(y, x, radius, radius * _random.Between(0.85f, 1), _random.Between(0, MathF.PI), 2, 0.03f, _random.Between(0, 6));
    }

    // Covers pixels with a family and returns their number. Returns 0 if they exceed the allowance, or if it must keep a gap and a pixel is
    // blocked.
    private int TryPlace(ReadOnlySpan<Cuboid> family, byte label, float gap, int allowance, bool grown = false)
    {
        // A coarse test finds most collisions.
        if (!grown)
            foreach (Cuboid cuboid in family)
                if (Collides(cuboid))
                    return 0;
        var inside = new List<int>();
        var around = new List<int>();
        foreach (Cuboid cuboid in family)
        {
            (int top, int bottom, int left, int right) = Bounds(cuboid, gap);
            for (int y = top; y <= bottom; y++)
                for (int x = left; x <= right; x++)
                {
                    if (!cuboid.Holds(y, x, gap))
                        continue;
                    around.Add(y * Width + x);
                    if (!cuboid.Holds(y, x, 0))
                        continue;
                    if (_blocked[y * Width + x] && !grown)
                        return 0;
                    inside.Add(y * Width + x);
                }
        }
        // The members of a family overlap, so this slightly overestimates.
        if (inside.Count(pixel => Labels[pixel] == Matrix) > allowance)
            return 0;
        int added = 0;
        foreach (int pixel in inside)
        {
            if (Labels[pixel] == Matrix)
                added++;
            Labels[pixel] = label;
        }
        foreach (int pixel in around)
            _blocked[pixel] = true;
        return added;
    }

    private bool Collides(Cuboid cuboid)
    {
        (int top, int bottom, int left, int right) = Bounds(cuboid, 0);
        int step = Math.Max(1, (bottom - top) / 8);
        for (int y = top; y <= bottom; y += step)
            for (int x = left; x <= right; x += step)
                if (_blocked[y * Width + x] && cuboid.Holds(y, x, 0))
                    return true;
        return false;
    }

    private (int Top, int Bottom, int Left, int Right) Bounds(Cuboid cuboid, float gap)
    {
        float reach = cuboid.Reach + gap;
        return (Math.Max(0, (int)(cuboid.Y - reach)), Math.Min(Height - 1, (int)(cuboid.Y + reach)),
            Math.Max(0, (int)(cuboid.X - reach)), Math.Min(Width - 1, (int)(cuboid.X + reach)));
    }

    // Two sweeps with steps 1 and sqrt(2): within 8 % of the Euclidean distance, which is invisible in the rims.
    private float[] Distances()
    {
        const float straight = 1, diagonal = 1.4142f;
        float[] distance = new float[Labels.Length];
        for (int i = 0; i < distance.Length; i++)
            distance[i] = Labels[i] == Secondary ? 0 : Height + Width;
        for (int y = 0; y < Height; y++)
            for (int x = 0; x < Width; x++)
                Relax(y, x, -1);
        for (int y = Height - 1; y >= 0; y--)
            for (int x = Width - 1; x >= 0; x--)
                Relax(y, x, 1);
        return distance;

        void Relax(int y, int x, int side)
        {
            float best = distance[y * Width + x];
            if (x + side >= 0 && x + side < Width)
                best = MathF.Min(best, distance[y * Width + x + side] + straight);
            if (y + side >= 0 && y + side < Height)
                for (int dx = -1; dx <= 1; dx++)
                    if (x + dx >= 0 && x + dx < Width)
                        best = MathF.Min(best, distance[(y + side) * Width + x + dx] + (dx == 0 ? straight : diagonal));
            distance[y * Width + x] = best;
        }
    }
}
