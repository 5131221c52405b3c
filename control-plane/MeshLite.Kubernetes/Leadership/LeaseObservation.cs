using MeshLite.Kubernetes.Objects;

namespace MeshLite.Kubernetes.Leadership;

/// <summary>
/// What a candidate saw of the Lease, and when, by its own clock. The Lease's own times are never compared: clocks differ. A Lease that is deleted counts as it
/// was last seen, its holder does not know yet. Not thread-safe.
/// </summary>
internal sealed class LeaseObservation(TimeProvider time, TimeSpan duration)
{
    private string? _version;
    private long _at;
    private TimeSpan _lasts;

    /// <summary>Null: nobody, as far as we saw.</summary>
    public string? Holder { get; private set; }

    /// <summary>Call when the answer is there, not when the question is asked: late is safe.</summary>
    public void See(Lease? lease)
    {
        if (lease is null || lease.Metadata.ResourceVersion == _version)
        {
            return;
        }

        _version = lease.Metadata.ResourceVersion;
        _at = time.GetTimestamp();
        Holder = string.IsNullOrEmpty(lease.Spec.HolderIdentity) ? null : lease.Spec.HolderIdentity;
        // A holder of another version of the program may count on more time than we would give it.
        var said = TimeSpan.FromSeconds(lease.Spec.LeaseDurationSeconds ?? 0);
        _lasts = said > duration ? said : duration;
    }

    /// <summary>Time until the Lease may be taken; zero or less: now.</summary>
    public TimeSpan Remaining => Holder is null ? TimeSpan.Zero : _lasts - time.GetElapsedTime(_at);
}
