namespace MeshLite.Sidecar.Resilience;

/// <summary>
/// Numbers stretches of time of one length, from 0 when it is made, in 32 bits: of 100 ms each they last 6 years before
/// half the range is used up and old looks new. Immutable.
/// </summary>
internal sealed class SlotClock(TimeProvider time, TimeSpan slot)
{
    private readonly long _origin = time.GetTimestamp();
    private readonly long _unitsPerSlot = Math.Max(1, Timestamps.FromTimeSpan(slot, time.TimestampFrequency));

    /// <summary>The slot it is.</summary>
    public uint Now() => unchecked((uint)((time.GetTimestamp() - _origin) / _unitsPerSlot));
}
