using MeshLite.Sidecar.LoadBalancing;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.LoadBalancing;

public sealed class RandomPickerTests
{
    private readonly ManualTimeProvider _time = new();

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 1, 1, 1, 1)]
    [InlineData(1, 2, 3)]
    [InlineData(1, 100)]
    public void Pick_AnyWeights_IsByWeightAndIndependentOfThePickBefore(params int[] weights)
    {
        const int Picks = 100_000;
        var endpoints = weights.Select(weight => new TestEndpoint(_time, weight)).ToArray();
        var picker = new RandomPicker<TestEndpoint>(endpoints, new Random(1));

        var pairs = new int[weights.Length, weights.Length];
        var before = 0;
        for (var i = 0; i < Picks; i++)
        {
            var now = Array.IndexOf(endpoints, picker.Pick(default));
            pairs[before, now]++;
            before = now;
        }

        double total = weights.Sum();
        for (var i = 0; i < weights.Length; i++)
        {
            for (var j = 0; j < weights.Length; j++)
            {
                // Five standard deviations.
                var due = weights[i] / total * (weights[j] / total);
                (pairs[i, j] / (double)Picks).ShouldBe(due, 5 * Math.Sqrt(due / Picks));
            }
        }
    }
}
