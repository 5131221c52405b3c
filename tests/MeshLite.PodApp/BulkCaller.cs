using System.Buffers.Binary;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace MeshLite.PodApp;

/// <summary>Bytes that are cheap to make and differ everywhere.</summary>
internal static class BulkPattern
{
    private const int BlockBytes = 256 * 1024;

    /// <summary>Sends so many.</summary>
    public static async Task SendAsync(Stream to, long bytes, IncrementalHash? digest = null)
    {
        var block = new byte[BlockBytes];
        new Random(7).NextBytes(block);
        for (var sent = 0L; sent < bytes; sent += BlockBytes)
        {
            BinaryPrimitives.WriteInt64BigEndian(block, sent);
            var part = block.AsMemory(0, (int)Math.Min(BlockBytes, bytes - sent));
            digest?.AppendData(part.Span);
            await to.WriteAsync(part);
        }
    }
}

/// <summary>Sends bytes to a bulk server, half-closes, and takes as many back; prints whether both ways were whole, and how fast.</summary>
internal static class BulkCaller
{
    public static async Task<int> RunAsync(string host, int port, long bytes)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(host, port);
        await using var stream = client.GetStream();
        var started = TimeProvider.System.GetTimestamp();
        var head = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(head, bytes);
        await stream.WriteAsync(head);
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await BulkPattern.SendAsync(stream, bytes, digest);
        var own = digest.GetHashAndReset();
        client.Client.Shutdown(SocketShutdown.Send);

        var theirs = new byte[own.Length];
        await stream.ReadExactlyAsync(theirs);
        var buffer = new byte[256 * 1024];
        long back = 0;
        int read;
        while ((read = await stream.ReadAsync(buffer)) > 0)
        {
            digest.AppendData(buffer, 0, read);
            back += read;
        }

        var seconds = TimeProvider.System.GetElapsedTime(started).TotalSeconds;
        Console.WriteLine($"there {(own.AsSpan().SequenceEqual(theirs) ? "whole" : "damaged")}, back {back} {(own.AsSpan().SequenceEqual(digest.GetHashAndReset()) ? "whole" : "damaged")}");
        Console.WriteLine(FormattableString.Invariant($"# {2 * bytes / seconds / 1e6:0} MB/s"));
        return 0;
    }
}
