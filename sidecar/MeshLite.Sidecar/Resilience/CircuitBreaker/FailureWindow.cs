namespace MeshLite.Sidecar.Resilience.CircuitBreaker;

/// <summary>
/// Successes and failures of the last while: ten slots, so that it looks back on between 9/10 of its length and the whole
/// of it. Lock-free and without allocation, from any thread; recording is one compare-and-exchange, reading 20 words.
/// </summary>
internal sealed class FailureWindow(TimeSpan length, TimeProvider time)
{
    private const int Slots = 10;

    private readonly SlotClock _clock = new(time, length / Slots);
    private readonly long[] _successes = new long[Slots];
    private readonly long[] _failures = new long[Slots];

    /// <summary>What it looks back on.</summary>
    public TimeSpan Length => length;

    /// <summary>One that went well.</summary>
    public void RecordSuccess() => SlotWord.Add(_successes, _clock.Now(), 1);

    /// <summary>One that did not.</summary>
    public void RecordFailure() => SlotWord.Add(_failures, _clock.Now(), 1);

    /// <summary>How many of each there were; while others record, only nearly of one moment.</summary>
    public (long Successes, long Failures) Count()
    {
        var slot = _clock.Now();
        return (SlotWord.Sum(_successes, slot), SlotWord.Sum(_failures, slot));
    }
}
