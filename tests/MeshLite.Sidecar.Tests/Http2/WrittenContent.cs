using System.Net;

namespace MeshLite.Sidecar.Tests.Http2;

/// <summary>A request's body that a test writes.</summary>
internal sealed class WrittenContent(Func<Stream, CancellationToken, Task> write, long? length = null) : HttpContent
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends as the writing did.</summary>
    public Task Done => _done.Task;

    /// <summary>So many bytes, each the low byte of its place, in pieces.</summary>
    public static WrittenContent Of(int length, bool isDeclared, int piece = int.MaxValue) => new(
        async (to, cancellation) =>
        {
            for (var at = 0; at < length; at += Math.Min(piece, length - at))
            {
                await to.WriteAsync(Bytes(at, Math.Min(piece, length - at)), cancellation);
            }
        },
        isDeclared ? length : null);

    public static byte[] Bytes(int from, int count) => [.. Enumerable.Range(from, count).Select(i => (byte)(i % 251))];

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        try
        {
            await write(stream, cancellationToken);
            _done.SetResult();
        }
        catch (Exception e)
        {
            _done.SetException(e);
            throw;
        }
    }

    protected override bool TryComputeLength(out long result)
    {
        result = length ?? 0;
        return length is not null;
    }
}
