using System.Threading.Tasks.Sources;

namespace MeshLite.ControlPlane.Streaming;

/// <summary>
/// Wakes one waiter, however often it is set meanwhile; costs no allocation, which thousands of streams do several times a second. <see cref="Set"/> from any
/// thread; one waiter at a time.
/// </summary>
internal sealed class WakeSignal : IValueTaskSource
{
    private const int Idle = 0;
    private const int Waiting = 1;
    private const int IsSet = 2;

    private ManualResetValueTaskSourceCore<bool> _source;
    private int _state;

    /// <summary>There is something to do.</summary>
    /// <param name="inline">The waiter goes on in this call, until it waits again: for callers that hold no lock and have nothing else to do first.</param>
    public void Set(bool inline = false)
    {
        // Who turns Waiting into IsSet has the source for itself.
        if (Interlocked.Exchange(ref _state, IsSet) == Waiting)
        {
            _source.RunContinuationsAsynchronously = !inline;
            _source.SetResult(true);
        }
    }

    /// <summary>Until it is set; at once where it was since the last wait.</summary>
    public ValueTask WaitAsync()
    {
        if (Interlocked.Exchange(ref _state, Idle) == IsSet)
        {
            return default;
        }

        _source.Reset();
        var wait = new ValueTask(this, _source.Version);
        if (Interlocked.CompareExchange(ref _state, Waiting, Idle) == Idle)
        {
            return wait;
        }

        Volatile.Write(ref _state, Idle);
        return default;
    }

    /// <inheritdoc/>
    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _source.GetStatus(token);

    /// <inheritdoc/>
    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    /// <inheritdoc/>
    void IValueTaskSource.GetResult(short token)
    {
        // What was set until here is what the waiter looks for now.
        Interlocked.Exchange(ref _state, Idle);
        _source.GetResult(token);
    }
}
