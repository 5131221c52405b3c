using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MeshLite.Functional.Tests.Kit;

/// <summary>
/// A TCP connection on which a test writes bytes no library would, and reads HTTP/1.1 messages as they came: as client
/// and, over an accepted socket, as server. Text is Latin-1, one character a byte. Every wait is bounded. One user at a time in each direction.
/// </summary>
internal sealed class Wire(Socket socket) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly byte[] _buffer = new byte[64 * 1024];
    private int _start;
    private int _end;

    /// <summary>For half-closing and resets.</summary>
    public Socket Socket => socket;

    public static async Task<Wire> OpenAsync(IPEndPoint address)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(address);
        return new Wire(socket);
    }

    public Task SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await socket.SendAsync(bytes)..];
        }
    }

    /// <summary>FIN: no more comes from here; reading goes on.</summary>
    public void Finish() => socket.Shutdown(SocketShutdown.Send);

    /// <summary>RST.</summary>
    public void Reset()
    {
        socket.LingerState = new LingerOption(enable: true, seconds: 0);
        socket.Dispose();
    }

    /// <summary>The next message's head and body; null where the peer ended instead.</summary>
    /// <param name="hasBody">False: a response to HEAD, a request with <c>Expect</c> whose body comes later.</param>
    public async Task<WireMessage?> ReadMessageAsync(bool hasBody = true)
    {
        var first = await ReadLineAsync();
        if (first is null)
        {
            return null;
        }

        var headers = await ReadFieldsAsync();
        var message = new WireMessage(first, headers, [], []);
        if (!hasBody || (message.IsResponse && message.Status is (>= 100 and < 200) or 204 or 304))
        {
            return message;
        }

        if (message.Values("transfer-encoding") is ["chunked"])
        {
            using var body = new MemoryStream();
            while (int.Parse((await ReadLineAsync())!, NumberStyles.HexNumber) is > 0 and var size)
            {
                body.Write(await ReadAsync(size));
                await ReadLineAsync();
            }

            return message with { Body = body.ToArray(), Trailers = await ReadFieldsAsync() };
        }

        if (message.Value("content-length") is { } length)
        {
            return message with { Body = await ReadAsync(int.Parse(length)) };
        }

        return message.IsResponse ? message with { Body = await ReadToEndAsync() } : message;
    }

    /// <summary>Exactly so many bytes; fewer only where the peer ended.</summary>
    public async Task<byte[]> ReadAsync(int count)
    {
        var bytes = new byte[count];
        var have = 0;
        while (have < count && await FillAsync())
        {
            var take = Math.Min(count - have, _end - _start);
            _buffer.AsSpan(_start, take).CopyTo(bytes.AsSpan(have));
            _start += take;
            have += take;
        }

        return bytes[..have];
    }

    /// <summary>All until the peer's FIN; a reset throws.</summary>
    public async Task<byte[]> ReadToEndAsync()
    {
        using var all = new MemoryStream();
        while (await FillAsync())
        {
            all.Write(_buffer, _start, _end - _start);
            _start = _end;
        }

        return all.ToArray();
    }

    /// <summary>Without its CRLF; null: the peer ended before the line did.</summary>
    public async Task<string?> ReadLineAsync()
    {
        var line = new StringBuilder();
        while (await FillAsync())
        {
            var end = _buffer.AsSpan(_start, _end - _start).IndexOf((byte)'\n');
            var take = end < 0 ? _end - _start : end + 1;
            line.Append(Encoding.Latin1.GetString(_buffer, _start, take));
            _start += take;
            if (end >= 0)
            {
                return line.ToString(0, line.Length - 1).TrimEnd('\r');
            }
        }

        return null;
    }

    /// <summary>How the peer ended the connection, once all it sent has been read: by FIN (true) or by RST.</summary>
    public async Task<bool> EndsByFinAsync()
    {
        try
        {
            await ReadToEndAsync();
            return true;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return false;
        }
    }

    public void Dispose() => socket.Dispose();

    private async Task<List<(string, string)>> ReadFieldsAsync()
    {
        var fields = new List<(string, string)>();
        while (await ReadLineAsync() is { Length: > 0 } line)
        {
            var colon = line.IndexOf(':');
            fields.Add((line[..colon], line[(colon + 1)..].Trim(' ', '\t')));
        }

        return fields;
    }

    private async Task<bool> FillAsync()
    {
        if (_start < _end)
        {
            return true;
        }

        using var patience = new CancellationTokenSource(Patience, TimeProvider.System);
        _start = 0;
        _end = await socket.ReceiveAsync(_buffer, patience.Token);
        return _end > 0;
    }
}

/// <summary>An HTTP/1.1 message as it came: first line, fields in their order, body without its framing.</summary>
internal sealed record WireMessage(string FirstLine, IReadOnlyList<(string Name, string Value)> Headers, byte[] Body, IReadOnlyList<(string Name, string Value)> Trailers)
{
    public bool IsResponse => FirstLine.StartsWith("HTTP/", StringComparison.Ordinal);

    public int Status => int.Parse(FirstLine.Split(' ')[1]);

    public string Text => Encoding.Latin1.GetString(Body);

    /// <summary>The values of a field, one for each of its lines.</summary>
    public string[] Values(string name) =>
        [.. Headers.Where(h => h.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(h => h.Value)];

    /// <summary>The only value of a field; null: absent.</summary>
    public string? Value(string name) => Values(name) is [] ? null : Values(name).ShouldHaveSingleItem();
}
