using CsUnet.Tensors;

namespace CsUnet.Tests;

public sealed class StepArenaTests
{
    [Fact]
    public void Memory_is_flat_from_the_second_step_on()
    {
        using var arena = new StepArena();
        long afterFirst = 0;
        for (int step = 0; step < 5; step++)
        {
            using (arena.BeginStep())
            {
                for (int i = 1; i < 20; i++)
                    Assert.Equal(0, Tensor.Zeros([i, 100])[i * 100 - 1]);
                Assert.True(arena.UsedBytes >= 19 * 20 / 2 * 400);
            }
            Assert.Equal(0, arena.UsedBytes);
            if (step == 0)
                afterFirst = arena.ReservedBytes;
            Assert.Equal(afterFirst, arena.ReservedBytes);
        }
    }

    [Fact]
    public void A_temporary_cannot_be_read_after_its_step()
    {
        using var arena = new StepArena();
        Tensor temporary, kept;
        using (arena.BeginStep())
        {
            temporary = Tensor.Full([3], 2);
            kept = temporary.ClonePersistent();
        }
        Assert.Contains("step", Assert.Throws<InvalidOperationException>(() => temporary[0]).Message);
        Assert.Equal(2, kept[1]);
        Assert.False(kept.Storage.IsTemporary);
    }

    [Fact]
    public void Inner_steps_end_before_outer_ones()
    {
        using var arena = new StepArena();
        using (arena.BeginStep())
        {
            Tensor outer = Tensor.Full([4], 1), inner;
            using (arena.BeginStep())
                inner = Tensor.Full([4], 2);
            Assert.True(inner.Storage.IsReleased);
            Assert.Equal(1, outer[3]);
            Assert.Same(arena, StepArena.Current);
        }
        Assert.Null(StepArena.Current);
    }

    [Fact]
    public void Suspended_temporaries_own_their_memory()
    {
        using var arena = new StepArena();
        Tensor owner;
        using (arena.BeginStep())
        {
            using (StepArena.Suspend())
                owner = Tensor.Full([4], 5);
            Assert.True(Tensor.Zeros([1]).Storage.IsTemporary);
        }
        Assert.Equal(5, owner[0]);
    }

    [Fact]
    public void The_last_reference_gives_a_block_back_early()
    {
        using var arena = new StepArena();
        using StepArena.StepScope step = arena.BeginStep();
        Tensor first = Tensor.Zeros([1000]);
        first.Storage.AddReference();
        first.Storage.AddReference();
        first.Storage.ReleaseReference();
        Assert.False(first.Storage.IsReleased);
        first.Storage.ReleaseReference();
        Assert.True(first.Storage.IsReleased);
        long reserved = arena.ReservedBytes;
        Assert.Equal(0, Tensor.Zeros([1000])[0]);
        Assert.Equal(reserved, arena.ReservedBytes);
    }

    [Fact]
    public void Blocks_are_aligned_for_the_widest_vectors()
    {
        using var arena = new StepArena();
        using StepArena.StepScope step = arena.BeginStep();
        foreach (int count in new[] { 0, 1, 15, 1000, 1 << 20 })
            unsafe
            {
                Assert.Equal(0, (nint)Tensor.Empty([count]).RawPointer % Storage.Alignment);
            }
    }

    [Fact]
    public void A_disposed_arena_starts_no_step()
    {
        var arena = new StepArena();
        arena.Dispose();
        Assert.Throws<ObjectDisposedException>(() => arena.BeginStep());
        Assert.Equal(0, arena.ReservedBytes);
    }
}
