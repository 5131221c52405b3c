namespace MeshLite.Metrics;

/// <summary>
/// A handle to one series: resolve it once, keep it, record through it from any thread. An idle series leaves the
/// exposition and frees nothing of the handle: the next use through it brings the series back with the value it had
/// (to Prometheus a gap, not a reset). Whoever asks the family for the same label values meanwhile gets the same
/// object as long as anyone holds it; when nobody does, it is collected, and a later series starts from 0.
/// </summary>
public abstract class Series
{
    private const int Dormant = 0;
    private const int Idle = 1;
    private const int Active = 2;

    private readonly ISeriesOwner _owner;
    private int _state = Active;

    private protected Series(ISeriesOwner owner, string[] labelValues)
    {
        _owner = owner;
        LabelValues = labelValues;
        LastUse = owner.Now;
    }

    /// <summary>Whether the series stands in the exposition now.</summary>
    public bool IsExposed => Volatile.Read(ref _state) != Dormant;

    /// <summary>Also the key under which the family finds the series; never changed.</summary>
    internal string[] LabelValues { get; }

    /// <summary>When a sweep last saw that the series had been used. Written by the sweeper only.</summary>
    internal long LastUse { get; private set; }

    /// <summary>The time, where a record wants it.</summary>
    private protected DateTimeOffset UtcNow => _owner.UtcNow;

    /// <summary>
    /// Every record calls this after it changed the value: one plain read, unless a sweep came by since the last use.
    /// The value is written before the state is looked at, so a series that goes dormant under a writer's hands is woken
    /// by that writer.
    /// </summary>
    internal void Touch()
    {
        if (_state != Active)
        {
            Wake();
        }
    }

    /// <summary>Marks as used, and back into the exposition if it had left.</summary>
    private void Wake()
    {
        if (Interlocked.Exchange(ref _state, Active) == Dormant)
        {
            _owner.Relist(this);
        }
    }

    /// <summary>Steps one sweep towards dormancy; true: it just went dormant. Called under the family's lock.</summary>
    internal bool Sweep_NeedsLock(long now, long idleLimit)
    {
        if (Interlocked.CompareExchange(ref _state, Idle, Active) == Active)
        {
            LastUse = now;
            return false;
        }

        return now - LastUse >= idleLimit && Interlocked.CompareExchange(ref _state, Dormant, Idle) == Idle;
    }

    /// <summary>Makes dormant whatever the use; true: it was not. Called under the family's lock.</summary>
    internal bool Drop_NeedsLock() => Interlocked.Exchange(ref _state, Dormant) != Dormant;
}

/// <summary>What a series needs of its family.</summary>
internal interface ISeriesOwner
{
    /// <summary>A timestamp of the registry's clock.</summary>
    long Now { get; }

    /// <summary>The time of that clock.</summary>
    DateTimeOffset UtcNow { get; }

    /// <summary>A dormant series was used again.</summary>
    void Relist(Series series);
}
