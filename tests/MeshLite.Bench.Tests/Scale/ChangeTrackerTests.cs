using MeshLite.Bench.Scale.Measure;
using MeshLite.TestKit;

namespace MeshLite.Bench.Tests.Scale;

public class ChangeTrackerTests
{
    private readonly ManualTimeProvider _time = new();

    [Fact]
    public void Acknowledged_BySomeOfThoseExpected_CountsTheOthersAsMissing()
    {
        var tracker = new ChangeTracker(_time);
        tracker.Announce("10.0.0.1:80", 3);

        _time.Advance(TimeSpan.FromMilliseconds(20));
        tracker.Acknowledged(tracker.Find("10.0.0.1:80")!);

        tracker.Missing.ShouldBe(2);
        tracker.Log.Figures().ShouldSatisfyAllConditions(f => f.Count.ShouldBe(1), f => f.MaxMs.ShouldBe(20));
        tracker.Find("10.0.0.2:80").ShouldBeNull();
    }

    // An acknowledgement that was on its way when its phase ended must neither count for the next, nor be taken for one of its own.
    [Fact]
    public void Acknowledged_ChangeOfAPhaseThatIsOver_DoesNotCount()
    {
        var tracker = new ChangeTracker(_time);
        tracker.Announce("10.0.0.1:80", 1);
        var former = tracker.Find("10.0.0.1:80")!;

        tracker.Begin();
        tracker.Announce("10.0.0.1:80", 1);
        tracker.Acknowledged(former);

        tracker.Missing.ShouldBe(1);
        tracker.Log.Figures().Count.ShouldBe(0);
    }

    [Fact]
    public void Acknowledged_NumberOfSubscribersUnknown_IsMeasuredAndNotMissing()
    {
        var tracker = new ChangeTracker(_time);
        tracker.Announce("10.0.0.1:80", 0);

        tracker.Acknowledged(tracker.Find("10.0.0.1:80")!);

        tracker.Missing.ShouldBe(0);
        tracker.Log.Figures().Count.ShouldBe(1);
    }
}
