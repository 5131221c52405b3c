namespace MeshLite.Sidecar.Forwarding;

/// <summary>One send of a <see cref="ReplayContent"/>: where it writes to, and its end.</summary>
internal sealed class ReplayAttempt(Stream stream, CancellationToken cancellation)
{
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The request's body on the wire.</summary>
    public Stream Stream => stream;

    /// <summary>The attempt's own.</summary>
    public CancellationToken Cancellation => cancellation;

    /// <summary>Fails with what it was ended with.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Ends it; the first word counts.</summary>
    public void End(Exception? failure = null)
    {
        if (failure is null)
        {
            _ended.TrySetResult();
        }
        else
        {
            _ended.TrySetException(failure);
        }
    }
}
