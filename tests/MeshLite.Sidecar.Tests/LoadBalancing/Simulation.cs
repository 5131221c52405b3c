using MeshLite.Sidecar.LoadBalancing;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.LoadBalancing;

/// <summary>
/// Sends requests at a steady rate through a picker on manual time; each endpoint answers in its own time (±20 %),
/// however many it has.
/// </summary>
internal sealed class Simulation(ManualTimeProvider time, EndpointPicker<TestEndpoint> picker, Random random)
{
    private readonly PriorityQueue<(TestEndpoint Endpoint, long Begun), TimeSpan> _inFlight = new();
    private TimeSpan _now;

    public int MostInFlight { get; private set; }

    public void Run(int requests, TimeSpan every)
    {
        for (var i = 0; i < requests; i++)
        {
            var endpoint = picker.Pick(default)!;
            endpoint.Picked++;
            var begun = endpoint.Load.Begin();
            _inFlight.Enqueue((endpoint, begun), _now + TimeSpan.FromMilliseconds(endpoint.Milliseconds * (0.8 + (0.4 * random.NextDouble()))));
            MostInFlight = Math.Max(MostInFlight, _inFlight.Count);
            AdvanceTo(_now + every);
        }
    }

    /// <summary>Lets everything in flight be answered, and then time pass.</summary>
    public void Idle(TimeSpan duration) => AdvanceTo(_now + duration);

    private void AdvanceTo(TimeSpan target)
    {
        while (_inFlight.TryPeek(out var next, out var due) && due <= target)
        {
            _inFlight.Dequeue();
            time.Advance(due - _now);
            _now = due;
            next.Endpoint.Load.End(next.Begun);
        }

        time.Advance(target - _now);
        _now = target;
    }
}
