using MeshLite.Sidecar.Forwarding;

namespace MeshLite.Sidecar.Tests.Forwarding;

/// <summary>Where one attempt writes the body to: keeps it, and fails or stalls where the test says.</summary>
internal sealed class AttemptStream : WriteOnlyStream
{
    private readonly MemoryStream _received = new();
    private readonly TaskCompletionSource _stalled = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The write that would go beyond this many bytes fails.</summary>
    public int FailsAfter { get; init; } = int.MaxValue;

    /// <summary>The write that would go beyond this many bytes waits for its cancellation.</summary>
    public int StallsAfter { get; init; } = int.MaxValue;

    public byte[] Received => _received.ToArray();

    /// <summary>Completes when a write stalls.</summary>
    public Task Stalled => _stalled.Task;

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await Task.Yield();
        if (_received.Length + buffer.Length > FailsAfter)
        {
            throw new IOException("the attempt failed");
        }

        if (_received.Length + buffer.Length > StallsAfter)
        {
            _stalled.TrySetResult();
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }

        _received.Write(buffer.Span);
    }
}
