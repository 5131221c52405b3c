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

    private const int Begun = 0;
    private const int Ending = 1; // the system is being given the last bytes, which it has or has not before the call is back
    private const int Left = 2; // so it was when the response was whole
    private const int Whole = 3;

    private readonly bool _chunked = length == Http1RequestHead.Chunked;
    private long _left = Math.Max(0, length);
    private bool _broken;
    private int _state = length == 0 ? Whole : Begun;
    private Action<bool>? _settle;

    /// <summary>The server has all of it, as far as this side can tell.</summary>
    public bool IsWhole => Volatile.Read(ref _state) == Whole;

    /// <summary>Writing failed, so that the server may have closed: what it had to say may still be read. Of one that was cancelled, false.</summary>
    public bool WriteFailed { get; private set; }

    /// <summary>
    /// The response is whole. A fast server's may be before this side's thread has come back from writing the last bytes: <paramref name="settle"/> is told then, once,
    /// whether the request is whole too. False: it is not, and never told.
    /// </summary>
    public bool TryLeave(Action<bool> settle)
    {
        _settle = settle;
        var state = Interlocked.CompareExchange(ref _state, Left, Ending);
        if (state == Whole)
        {
            settle(true);
        }

        return state != Begun;
    }

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

        _left -= buffer.Length;
        await WriteRawAsync(buffer, isLast: _left == 0, cancellationToken);
    }

    /// <summary>Nothing more comes.</summary>
    /// <exception cref="HttpRequestException">It is shorter than it said.</exception>
    public async ValueTask EndAsync(CancellationToken cancellationToken)
    {
        if (_chunked)
        {
            await WriteRawAsync("0\r\n\r\n"u8.ToArray(), isLast: true, cancellationToken);
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
            await WriteRawAsync(chunk.Written, isLast: false, cancellationToken);
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

    private async ValueTask WriteRawAsync(ReadOnlyMemory<byte> bytes, bool isLast, CancellationToken cancellationToken)
    {
        if (_broken)
        {
            throw new IOException("The request's body broke off before."); // what comes now would be read as part of what did not go
        }

        try
        {
            _broken = true;
            if (isLast)
            {
                Volatile.Write(ref _state, Ending);
            }

            var write = transport.WriteAsync(bytes, cancellationToken);
            if (isLast && !write.IsCompleted)
            {
                Enter(Begun); // the server has to read first, for which nobody waits
            }

            await write;
            _broken = false;
        }
        catch (Exception e)
        {
            WriteFailed = e is not OperationCanceledException;
            Enter(Begun);
            throw;
        }

        if (isLast)
        {
            Enter(Whole);
        }
    }

    private void Enter(int state)
    {
        if (Interlocked.Exchange(ref _state, state) == Left)
        {
            _settle!(state == Whole);
        }
    }
}
