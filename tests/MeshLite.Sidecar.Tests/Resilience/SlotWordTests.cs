using MeshLite.Sidecar.Resilience;

namespace MeshLite.Sidecar.Tests.Resilience;

public sealed class SlotWordTests
{
    private readonly long[] _ring = new long[10];

    [Fact]
    public void Sum_AsSlotsPass_CountsTheLastTenOnly()
    {
        for (uint slot = 0; slot < 25; slot++)
        {
            SlotWord.Add(_ring, slot, slot + 1);
        }

        SlotWord.Sum(_ring, 24).ShouldBe(Enumerable.Range(16, 10).Sum());
        SlotWord.Sum(_ring, 30).ShouldBe(Enumerable.Range(22, 4).Sum());
        SlotWord.Sum(_ring, 34).ShouldBe(0);
    }

    [Fact]
    public void Add_WhoIsTenSlotsLate_LeavesTheNewerAlone()
    {
        SlotWord.Add(_ring, 13, 5);

        SlotWord.Add(_ring, 3, 1);

        SlotWord.Sum(_ring, 13).ShouldBe(5);
    }

    [Fact]
    public void Add_BeyondWhatFits_StaysAtTheMaximum()
    {
        SlotWord.Add(_ring, 1, uint.MaxValue);

        SlotWord.Add(_ring, 1, 20);

        SlotWord.Sum(_ring, 1).ShouldBe(uint.MaxValue);
    }

    [Fact]
    public void Take_MoreThanThereIs_TakesThat()
    {
        SlotWord.Add(_ring, 4, 7);

        SlotWord.Take(_ring, 4, 3).ShouldBe(3u);
        SlotWord.Take(_ring, 14, 3).ShouldBe(0u);
        SlotWord.Take(_ring, 4, 5).ShouldBe(4u);
        SlotWord.Take(_ring, 4, 5).ShouldBe(0u);
    }

    [Fact]
    public async Task AddTake_FromManyThreads_LosesAndInventsNothing()
    {
        var taken = new long[4];
        await InParallel.RunAsync(thread =>
        {
            for (var i = 0; i < 500_000; i++)
            {
                SlotWord.Add(_ring, 2, 3);
                taken[thread] += SlotWord.Take(_ring, 2, 2);
            }
        });

        (taken.Sum() + SlotWord.Sum(_ring, 2)).ShouldBe(4 * 500_000 * 3);
    }
}
