using CsUnet.Tensors;

namespace CsUnet.Tests;

[Collection(KernelSettings.Name)]
public sealed class WorkersTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Every_chunk_runs_exactly_once(int threads)
    {
        using IDisposable settings = KernelSettings.Use(narrow: false, threads);
        foreach (int chunks in new[] { 0, 1, 2, 7, 1000 })
            for (int repeat = 0; repeat < 50; repeat++)
            {
                int[] counts = new int[chunks];
                Workers.Run(chunks, chunk => Interlocked.Increment(ref counts[chunk]));
                Assert.All(counts, count => Assert.Equal(1, count));
            }
    }

    [Theory]
    [InlineData(0, 10)]
    [InlineData(9, 10)]
    [InlineData(10, 10)]
    [InlineData(101, 10)]
    public void Split_covers_every_item_once(int items, int grain)
    {
        int[] counts = new int[items];
        Workers.Split(items, grain, (start, end) =>
        {
            Assert.InRange(end - start, 1, grain);
            for (long i = start; i < end; i++)
                Interlocked.Increment(ref counts[i]);
        });
        Assert.All(counts, count => Assert.Equal(1, count));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void An_exception_of_a_chunk_reaches_the_caller_and_the_next_region_works(int threads)
    {
        using IDisposable settings = KernelSettings.Use(narrow: false, threads);
        string message = Assert.Throws<InvalidOperationException>(() => Workers.Run(20, chunk =>
        {
            if (chunk == 13)
                throw new InvalidOperationException("thirteen");
        })).Message;
        Assert.Equal("thirteen", message);
        int sum = 0;
        Workers.Run(20, chunk => Interlocked.Add(ref sum, chunk));
        Assert.Equal(190, sum);
    }

    [Fact]
    public void A_region_inside_a_region_runs_on_its_thread()
    {
        int sum = 0;
        Workers.Run(4, outer =>
        {
            int thread = Environment.CurrentManagedThreadId;
            Workers.Run(8, inner =>
            {
                Assert.Equal(thread, Environment.CurrentManagedThreadId);
                Interlocked.Add(ref sum, outer * inner);
            });
        });
        Assert.Equal(6 * 28, sum);
    }

    [Fact]
    public void Regions_of_several_threads_do_not_mix()
    {
        int[] sums = new int[4];
        Thread[] threads = [.. Enumerable.Range(0, sums.Length).Select(number => new Thread(() =>
        {
            for (int repeat = 0; repeat < 100; repeat++)
                Workers.Run(10, chunk => Interlocked.Add(ref sums[number], chunk));
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.All(sums, sum => Assert.Equal(4500, sum));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(1025)]
    public void An_absurd_number_of_threads_is_refused(int count) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Workers.Count = count);
}
