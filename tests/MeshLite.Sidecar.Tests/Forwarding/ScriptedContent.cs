using System.Net;

namespace MeshLite.Sidecar.Tests.Forwarding;

/// <summary>A request body that comes in the pieces the test chose; it can be read once, as the real one.</summary>
internal sealed class ScriptedContent(params byte[][] pieces) : HttpContent
{
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _read;
    private int _taken;

    /// <summary>Thrown behind the last piece; null: the body ends there.</summary>
    public Exception? Failure { get; init; }

    /// <summary>After the last piece nothing comes any more, until the reader is cancelled.</summary>
    public bool Stalls { get; init; }

    /// <summary>Pieces given to the reader so far.</summary>
    public int Taken => Volatile.Read(ref _taken);

    /// <summary>Completes when the reader has gone, however.</summary>
    public Task Ended => _ended.Task;

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _read).ShouldBe(1, "a body can be read once");
        try
        {
            foreach (var piece in pieces)
            {
                cancellationToken.ThrowIfCancellationRequested();
                Interlocked.Increment(ref _taken);
                await stream.WriteAsync(piece, cancellationToken);
            }

            if (Stalls)
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }

            if (Failure is not null)
            {
                throw Failure;
            }
        }
        finally
        {
            _ended.TrySetResult();
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
