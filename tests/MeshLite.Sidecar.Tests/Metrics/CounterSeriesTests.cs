using MeshLite.Metrics;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Metrics;

public sealed class CounterSeriesTests : IDisposable
{
    private readonly MetricRegistry _registry = new(new ManualTimeProvider());

    public void Dispose() => _registry.Dispose();

    [Fact]
    public void Add_WholeAndFractions_AddsUp()
    {
        var counter = _registry.AddCounter("x_total", "X.").Series();

        counter.Increment();
        counter.Add(41);
        counter.Add(0.5);

        counter.Value.ShouldBe(42.5);
        Exposition.Samples(_registry)["x_total"].ShouldBe(42.5);
    }

    [Fact]
    public void Add_LargeWholeNumbers_StayExact()
    {
        var counter = _registry.AddCounter("x_total", "X.").Series();

        // 2^53 + 1 is no double.
        counter.Add((1L << 53) + 1);

        Exposition.Write(_registry).ShouldContain("\nx_total 9007199254740993\n");
    }

    [Theory]
    [InlineData(-0.1)]
    [InlineData(double.NaN)]
    public void Add_WhatIsNoGrowth_Throws(double amount)
    {
        var counter = _registry.AddCounter("x_total", "X.").Series();

        Should.Throw<ArgumentOutOfRangeException>(() => counter.Add(amount));
        Should.Throw<ArgumentOutOfRangeException>(() => counter.Add(-1L));
        counter.Value.ShouldBe(0);
    }

    [Fact]
    public async Task Add_FromManyThreads_LosesNothing()
    {
        const int Rounds = 500_000;
        var counter = _registry.AddCounter("x_total", "X.").Series();

        await InParallel.RunAsync(_ =>
        {
            for (var i = 0; i < Rounds; i++)
            {
                counter.Increment();
            }
        });
        await InParallel.RunAsync(_ =>
        {
            for (var i = 0; i < Rounds; i++)
            {
                counter.Add(0.5);
            }
        });

        counter.Value.ShouldBe(4 * Rounds * 1.5);
    }

    [Fact]
    public async Task Value_WhileOthersAdd_NeverFalls()
    {
        var counter = _registry.AddCounter("x_total", "X.").Series();
        var done = 0;
        var writers = Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 200_000; i++)
            {
                counter.Increment();
            }
        }))).ContinueWith(_ => Volatile.Write(ref done, 1), TaskScheduler.Default);

        var last = 0.0;
        while (Volatile.Read(ref done) == 0)
        {
            var value = counter.Value;
            value.ShouldBeGreaterThanOrEqualTo(last);
            last = value;
        }

        await writers;
        counter.Value.ShouldBe(600_000);
    }
}
