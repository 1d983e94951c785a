using CsUnet.Data;
using CsUnet.Tensors;

namespace CsUnet.Tests.Data;

public class BatchLoaderTests
{
    private static readonly MicrographDataset s_dataset = SyntheticMicrographs.CreateDataset("train", 5, 64, 64, 7);

    private static BatchOptions Options(int threads = 1) =>
        new(3, 32, 48, 11) { Threads = threads, Augmentation = AugmentationOptions.Nasa };

    private static string Hash(Batch batch) => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(
        [.. System.Runtime.InteropServices.MemoryMarshal.AsBytes(batch.Images.AsSpan<float>()), .. batch.Labels.AsSpan<byte>()]));

    private static string[] Run(int first, int end, int threads = 1)
    {
        using var loader = new BatchLoader(s_dataset, Options(threads));
        return [.. loader.From(first, end).Select(batch =>
        {
            Assert.Equal(new Shape(3, 32, 48, 3), batch.Images.Shape);
            Assert.Equal(new Shape(3, 32, 48), batch.Labels.Shape);
            return Hash(batch);
        })];
    }

    [Fact]
    public void Runs_repeat_and_resume_bit_for_bit()
    {
        string[] whole = Run(0, 12);
        Assert.Equal(12, whole.Distinct().Count());
        Assert.Equal(whole, Run(0, 12));
        Assert.Equal(whole, Run(0, 12, threads: 3));
        Assert.Equal(whole[7..], Run(7, 12));
    }

    [Fact]
    public void Steps_out_of_order_give_the_same_batches()
    {
        string[] whole = Run(0, 9);
        using var loader = new BatchLoader(s_dataset, Options(2));
        foreach (int step in new[] { 4, 4, 0, 8, 7, 1, 2, 3, 5, 0 })
        {
            Batch batch = loader.GetBatch(step);
            Assert.Equal(step, batch.Step);
            Assert.Equal(whole[step], Hash(batch));
        }
    }

    [Fact]
    public void Every_pass_holds_every_image_once()
    {
        using var loader = new BatchLoader(s_dataset, Options());
        Assert.Equal(2, loader.StepsPerEpoch);
        int[] drawn = [.. Enumerable.Range(0, 50).SelectMany(loader.IndicesOf)];
        int[][] passes = [.. drawn.Chunk(5)];
        Assert.All(passes, pass => Assert.Equal([0, 1, 2, 3, 4], pass.Order()));
        Assert.InRange(passes.Select(pass => string.Join(',', pass)).Distinct().Count(), 20, 30);
        Assert.Equal(loader.IndicesOf(3), loader.GetBatch(3).Indices);
    }

    [Fact]
    public void One_image_fills_a_batch_with_different_crops()
    {
        MicrographDataset one = SyntheticMicrographs.CreateDataset("train", 1, 64, 64, 1);
        using var loader = new BatchLoader(one, new BatchOptions(4, 32, 32, 0) { Augmentation = AugmentationOptions.None });
        Assert.Equal(1, loader.StepsPerEpoch);
        Batch batch = loader.GetBatch(0);
        Assert.Equal(4, Enumerable.Range(0, 4).Select(i =>
            string.Join(',', batch.Labels.Slice(i, 1).AsSpan<byte>().ToArray())).Distinct().Count());
    }

    [Fact]
    public void Seeds_differ()
    {
        using var first = new BatchLoader(s_dataset, Options());
        using var second = new BatchLoader(s_dataset, Options() with { Seed = 12 });
        Assert.NotEqual(Hash(first.GetBatch(0)), Hash(second.GetBatch(0)));
    }

    [Fact]
    public void Tensors_come_from_a_small_pool_and_outlive_steps()
    {
        using var arena = new StepArena();
        using var loader = MakeInStep(arena);
        var buffers = new HashSet<Tensor>();
        for (int step = 0; step < 40; step++)
        {
            using (arena.BeginStep())
                buffers.Add(loader.GetBatch(step).Images);
            Assert.Equal(0, arena.UsedBytes);
        }
        Assert.InRange(buffers.Count, 1, 4);
        Assert.All(buffers, buffer => Assert.True(float.IsFinite(buffer.AsSpan<float>()[0])));

        static BatchLoader MakeInStep(StepArena arena)
        {
            using (arena.BeginStep())
                return new BatchLoader(s_dataset, Options());
        }
    }

    [Fact]
    public void Failures_reach_the_consumer_at_their_step()
    {
        var failing = new Failing(afterReads: 7);
        using var loader = new BatchLoader(failing, Options());
        Assert.Equal(0, loader.GetBatch(0).Step);
        Assert.Equal(1, loader.GetBatch(1).Step);
        Assert.Contains("gone", Assert.Throws<DataException>(() => loader.GetBatch(2)).Message);
        Assert.Throws<DataException>(() => loader.GetBatch(2));
        failing.Heal();
        // A request for another step starts again.
        Assert.Equal(3, loader.GetBatch(3).Step);
        Assert.Equal(2, loader.GetBatch(2).Step);
    }

    [Fact]
    public async Task Disposal_stops_the_threads_whatever_they_do()
    {
        for (int taken = 0; taken < 4; taken++)
        {
            var loader = new BatchLoader(s_dataset, Options(2));
            for (int step = 0; step < taken; step++)
                Assert.Equal(step, loader.GetBatch(step).Step);
            await Task.Run(loader.Dispose, TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(20),
                TestContext.Current.CancellationToken);
            loader.Dispose();
            Assert.Throws<ObjectDisposedException>(() => loader.GetBatch(0));
        }
    }

    private sealed class Failing(int afterReads) : MicrographDataset("failing", ClassMap.NasaSuper)
    {
        private int _reads;
        private volatile bool _healthy;

        public void Heal() => _healthy = true;

        public override int Count => s_dataset.Count;

        public override Sample this[int index] => Interlocked.Increment(ref _reads) <= afterReads || _healthy
            ? s_dataset[index]
            : throw new DataException("file.tif", "it is gone", "a file");
    }
}
