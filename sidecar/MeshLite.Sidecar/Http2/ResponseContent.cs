using System.Net;

namespace MeshLite.Sidecar.Http2;

/// <summary>A response's body as <see cref="HttpClient"/>'s world wants it: read from once, as it comes.</summary>
internal sealed class ResponseContent(Stream body) : HttpContent
{
    /// <inheritdoc/>
    protected override Stream CreateContentReadStream(CancellationToken cancellationToken) => body;

    /// <inheritdoc/>
    protected override Task<Stream> CreateContentReadStreamAsync() => Task.FromResult(body);

    /// <inheritdoc/>
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => body.CopyToAsync(stream);

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
            body.Dispose();
        }

        base.Dispose(disposing);
    }
}
