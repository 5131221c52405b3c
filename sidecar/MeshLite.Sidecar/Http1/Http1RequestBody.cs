using System.Globalization;
using System.Text;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Http2;

namespace MeshLite.Sidecar.Http1;

/// <summary>What a request's body is written to: as it is where its length was declared, else in chunks (RFC 9112 §7.1). Each write goes out at once. One writer.</summary>
/// <param name="transport">The connection.</param>
/// <param name="length">Bytes declared, or <see cref="Http1RequestHead.Chunked"/>.</param>
internal sealed class Http1RequestBody(Stream transport, long length) : WriteOnlyStream
{
    private const int ChunkSize = 64 * 1024;

    private readonly bool _chunked = length == Http1RequestHead.Chunked;
    private long _left = Math.Max(0, length);
    private bool _broken;

    /// <summary>The server has all of it, as far as this side can tell.</summary>
    public bool IsWhole { get; private set; } = length == 0;

    /// <summary>Writing failed, so that the server may have closed: what it had to say may still be read. Of one that was cancelled, false.</summary>
    public bool WriteFailed { get; private set; }

    /// <inheritdoc/>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
        {
            return;
        }

        if (_chunked)
        {
            await WriteChunksAsync(buffer, cancellationToken);
            return;
        }

        if (buffer.Length > _left)
        {
            throw new HttpRequestException("The request's body is longer than it said.");
        }

        await WriteRawAsync(buffer, cancellationToken);
        _left -= buffer.Length;
        IsWhole = _left == 0;
    }

    /// <summary>Nothing more comes.</summary>
    /// <exception cref="HttpRequestException">It is shorter than it said.</exception>
    public async ValueTask EndAsync(CancellationToken cancellationToken)
    {
        if (_chunked)
        {
            await WriteRawAsync("0\r\n\r\n"u8.ToArray(), cancellationToken);
            IsWhole = true;
        }

        if (!IsWhole)
        {
            throw new HttpRequestException("The request's body is shorter than it said.");
        }
    }

    private async ValueTask WriteChunksAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        var chunk = new OutputBuffer();
        while (!data.IsEmpty)
        {
            var part = data[..Math.Min(data.Length, ChunkSize)];
            data = data[part.Length..];
            Chunk(chunk, part.Span);
            await WriteRawAsync(chunk.Written, cancellationToken);
            chunk.Reset();
        }

        chunk.Release();
    }

    private static void Chunk(OutputBuffer to, ReadOnlySpan<byte> data)
    {
        Span<char> size = stackalloc char[8];
        data.Length.TryFormat(size, out var digits, "x", CultureInfo.InvariantCulture);
        to.Advance(Encoding.ASCII.GetBytes(size[..digits], to.Reserve(digits)));
        to.Append("\r\n"u8);
        to.Append(data);
        to.Append("\r\n"u8);
    }

    private async ValueTask WriteRawAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        if (_broken)
        {
            throw new IOException("The request's body broke off before."); // what comes now would be read as part of what did not go
        }

        try
        {
            _broken = true;
            await transport.WriteAsync(bytes, cancellationToken);
            _broken = false;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            WriteFailed = true;
            throw;
        }
    }
}
