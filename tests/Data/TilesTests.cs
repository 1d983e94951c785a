using CsUnet.Data;
using CsUnet.Tensors;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Data;

public class TilesTests
{
    [Theory]
    [InlineData(100, 130, 32, 32, null)]
    [InlineData(64, 64, 64, 64, null)]
    [InlineData(65, 63, 64, 64, null)]
    [InlineData(10, 200, 32, 64, null)]
    [InlineData(1, 1, 8, 8, null)]
    [InlineData(97, 51, 32, 16, 7)]
    [InlineData(50, 50, 20, 20, 20)]
    [InlineData(5, 5, 1, 1, null)]
    public void Tiles_cover_everything_and_constants_stay_constant(int height, int width, int tileHeight, int tileWidth, int? stride)
    {
        var tiles = new Tiles(height, width, tileHeight, tileWidth, stride);
        var blender = new TileBlender(tiles, 3);
        float[] constant = [.. Enumerable.Range(0, tileHeight * tileWidth).SelectMany(_ => new[] { 0.2f, 0.7f, 0.1f })];
        bool[] covered = new bool[height * width];
        foreach ((int y, int x) in tiles.Positions)
        {
            blender.Add(constant, y, x);
            Assert.True(height < tileHeight ? y <= 0 && y + tileHeight >= height : y >= 0 && y + tileHeight <= height);
            Assert.True(width < tileWidth ? x <= 0 && x + tileWidth >= width : x >= 0 && x + tileWidth <= width);
            for (int row = Math.Max(0, y); row < Math.Min(height, y + tileHeight); row++)
                for (int column = Math.Max(0, x); column < Math.Min(width, x + tileWidth); column++)
                    covered[row * width + column] = true;
        }
        Assert.DoesNotContain(false, covered);
        Tensor result = blender.Finish();
        Assert.Equal(new Shape(height, width, 3), result.Shape);
        for (int i = 0; i < result.Count; i++)
            Assert.Equal(constant[i % 3], result[i], 5);
        Assert.All(blender.FinishLabels(), label => Assert.Equal(1, label));
    }

    [Fact]
    public void Positions_are_half_tiles_apart_and_the_last_is_flush()
    {
        var tiles = new Tiles(100, 64, 32, 64);
        Assert.Equal([(0, 0), (16, 0), (32, 0), (48, 0), (64, 0), (68, 0)], tiles.Positions);
        Assert.Equal(6, tiles.Count);
        Assert.Equal((-4, -2), new Tiles(8, 12, 16, 16)[0]);
    }

    [Fact]
    public void Blend_is_the_weighted_mean()
    {
        var tiles = new Tiles(1, 6, 1, 4);
        Assert.Equal([(0, 0), (0, 2)], tiles.Positions);
        Assert.Equal([0.14645, 0.85355, 0.85355, 0.14645], tiles.ColumnWeights.Select(weight => Math.Round(weight, 5)));
        var blender = new TileBlender(tiles, 1);
        blender.Add([1, 1, 1, 1], 0, 0);
        Assert.Throws<InvalidOperationException>(() => blender.Finish());
        blender.Add([0, 0, 0, 0], 0, 2);
        Assert.Equal([1, 1, 0.85355, 0.14645, 0, 0], blender.Finish().AsSpan<float>().ToArray().Select(value => Math.Round(value, 5)));
    }

    [Fact]
    public void Every_tile_of_a_real_picture_comes_back()
    {
        // Cutting the image into tiles as for the network and blending them gives the image again: reading and writing use the same
        // geometry.
        Image image = SyntheticMicrographs.Generate(1, 70, 93, 2)[0].Image;
        var identity = new Normalisation([0, 0, 0], [1, 1, 1]);
        foreach ((int tileHeight, int tileWidth) in new[] { (32, 64), (96, 32), (128, 128) })
        {
            var tiles = new Tiles(70, 93, tileHeight, tileWidth);
            var blender = new TileBlender(tiles, 3);
            float[] tile = new float[tileHeight * tileWidth * 3];
            foreach ((int y, int x) in tiles.Positions)
            {
                identity.WriteTile(image, y, x, tileHeight, tileWidth, tile);
                blender.Add(tile, y, x);
            }
            Tensor result = blender.Finish();
            for (int i = 0; i < result.Count; i++)
                Assert.Equal(image.Pixels[i / 3] / 255.0, result[i], 5);
        }
    }

    [Fact]
    public void Gaps_and_wrong_sizes_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new Tiles(10, 10, 4, 8, 5));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Tiles(0, 10, 4, 4));
        Assert.Throws<ArgumentException>(() => new TileBlender(new Tiles(10, 10, 4, 4), 2).Add(new float[16], 0, 0));
    }

    [Fact]
    public void Overlays_mix_the_display_colours()
    {
        var image = new Image([100, 200, 50], 1, 3, 1);
        byte[] labels = [0, 1, ClassMap.Ignored];
        Assert.Equal(new byte[] { 128, 128, 128, 0, 0, 255, 0, 0, 0 }, Overlay.Colour(labels, 1, 3, ClassMap.NasaSuper).Pixels);
        Assert.Equal(new byte[] { 114, 114, 114, 100, 100, 228, 50, 50, 50 }, Overlay.Blend(image, labels, ClassMap.NasaSuper, 0.5).Pixels);
        Assert.Equal(new byte[] { 100, 100, 100 }, Overlay.Blend(image, labels, ClassMap.NasaSuper, 0.5, clearLabel: 0).Pixels[..3]);
        Assert.Throws<ArgumentException>(() => Overlay.Colour([7], 1, 1, ClassMap.NasaSuper));
    }
}
