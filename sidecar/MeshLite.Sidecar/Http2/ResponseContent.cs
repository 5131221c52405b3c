using System.Net;

namespace MeshLite.Sidecar.Http2;

/// <summary>A response's body as <see cref="HttpClient"/>'s world wants it: read from once, as it comes.</summary>
internal sealed class ResponseContent(Stream? body = null) : HttpContent
{
    /// <summary>The body; none, <see cref="Stream.Null"/>.</summary>
    public Stream Body { private get; set; } = body ?? Stream.Null;

    /// <summary>Whether there is one.</summary>
    public bool HasBody => Body != Stream.Null;

    /// <inheritdoc/>
    protected override Stream CreateContentReadStream(CancellationToken cancellationToken) => Body;

    /// <inheritdoc/>
    protected override Task<Stream> CreateContentReadStreamAsync() => Task.FromResult(Body);

    /// <inheritdoc/>
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => Body.CopyToAsync(stream);

    /// <inheritdoc/>
    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Body.Dispose();
        }

        base.Dispose(disposing);
    }
}
