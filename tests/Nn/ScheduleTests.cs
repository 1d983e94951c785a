using CsUnet.Nn;

namespace CsUnet.Tests.Nn;

public class ScheduleTests
{
    private static readonly ValidationHistory s_none = new();

    [Fact]
    public void Cosine_rises_then_falls_to_the_minimum()
    {
        var schedule = new Schedule(ScheduleKind.Cosine, 1e-3, Steps: 300, WarmUp: 20, Minimum: 1e-5);
        Assert.Equal(5e-5, schedule.At(0, s_none), 12);
        Assert.Equal(1e-3, schedule.At(19, s_none), 12);
        Assert.Equal(1e-3, schedule.At(20, s_none), 12);
        Assert.Equal((1e-3 + 1e-5) / 2, schedule.At(160, s_none), 12);
        Assert.Equal(1e-5, schedule.At(300, s_none), 12);
        Assert.Equal(1e-5, schedule.At(1000, s_none), 12);
        for (int step = 20; step < 299; step++)
            Assert.True(schedule.At(step + 1, s_none) < schedule.At(step, s_none));
    }

    [Fact]
    public void Warm_up_may_be_absent_or_longer_than_the_run()
    {
        Assert.Equal(1, new Schedule(ScheduleKind.Cosine, 1, 10).At(0, s_none));
        Assert.Equal(0.5, new Schedule(ScheduleKind.Cosine, 1, 10, WarmUp: 20).At(9, s_none), 12);
    }

    [Fact]
    public void Steps_reduce_after_each_interval()
    {
        var schedule = new Schedule(ScheduleKind.Step, 1, 100, WarmUp: 5, Every: 10, Factor: 0.5);
        Assert.Equal([0.2, 1, 1, 0.5, 0.25], new[] { 0, 5, 14, 15, 25 }.Select(step => Math.Round(schedule.At(step, s_none), 12)));
        Assert.Equal(1, new Schedule(ScheduleKind.Constant, 1, 100).At(99, s_none));
    }

    [Fact]
    public void Plateau_reduces_when_validation_stands_still()
    {
        var schedule = new Schedule(ScheduleKind.Plateau, 1, 100, Minimum: 0.02, Factor: 0.1);
        ValidationHistory history = s_none;
        var rates = new List<double>();
        foreach (double iou in new[] { 0.5, 0.6, 0.6, 0.55, 0.7, 0.1, 0.2, 0.3, 0.4, 0.4 })
        {
            history = history.With(iou, rates.Count + 1, plateauPatience: 2);
            rates.Add(Math.Round(schedule.At(10, history), 12));
        }
        Assert.Equal([1, 1, 1, 0.1, 0.1, 0.1, 0.02, 0.02, 0.02, 0.02], rates);
        Assert.Equal((0.7, 5, 5), (history.Best!.Value, history.BestStep, history.SinceBest));
    }
}
