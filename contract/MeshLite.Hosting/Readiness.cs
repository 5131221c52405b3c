namespace MeshLite.Hosting;

/// <summary>
/// Whether the process may be sent work, and if not, why: the answer of <c>/ready</c>. Thread-safe, one reference swapped.
/// Starts unready.
/// </summary>
public sealed class Readiness(string reason = "starting")
{
    private volatile Func<string>? _reason = () => reason;

    /// <summary>Null when ready, else a plain sentence.</summary>
    public string? Reason => _reason?.Invoke();

    /// <summary>Whether work may be sent.</summary>
    public bool IsReady => _reason is null;

    /// <summary>From now on ready.</summary>
    public void SetReady() => _reason = null;

    /// <summary>From now on unready.</summary>
    public void SetUnready(string reason) => SetUnready(() => reason);

    /// <summary>From now on unready, for a reason that may change: <paramref name="reason"/> is asked each time, from any thread.</summary>
    public void SetUnready(Func<string> reason) => _reason = reason;
}
