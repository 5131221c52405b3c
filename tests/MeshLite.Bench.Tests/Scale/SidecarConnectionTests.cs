using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Google.Protobuf;
using MeshLite.Bench.Scale.Sidecars;
using MeshLite.Protocol.V1;
using MeshLite.TestKit;

namespace MeshLite.Bench.Tests.Scale;

public sealed class SidecarConnectionTests : IDisposable
{
    private const byte Data = 0;
    private const byte Settings = 4;
    private const byte Ping = 6;
    private const byte WindowUpdate = 8;
    private const byte Ack = 1;

    private readonly Pipe _toSidecar = new(new PipeOptions(pauseWriterThreshold: 0));
    private readonly MemoryStream _sent = new();
    private readonly ManualTimeProvider _time = new();
    private readonly SidecarConnection _connection;

    public SidecarConnectionTests() => _connection = new SidecarConnection(new TwoWays(_toSidecar.Reader.AsStream(), _sent), _time);

    public void Dispose()
    {
        _connection.Dispose();
        _sent.Dispose();
    }

    [Fact]
    public async Task ReadAsync_MessageCutIntoFramesAndSeveralInOneFrame_ReadsEach()
    {
        byte[] bytes = [.. Message(1, 40_000), .. Message(2, 10), .. Message(3, 0)];
        await ComesAsync(bytes.Chunk(16_000).Select(chunk => Frame(Data, 0, chunk)));

        var nonces = new List<ulong>();
        for (var i = 0; i < 3; i++)
        {
            nonces.Add((await _connection.ReadAsync()).Update.Nonce);
        }

        nonces.ShouldBe([1UL, 2, 3]);
    }

    [Fact]
    public async Task ReadAsync_PingAndSettings_AreAcknowledgedWithWhatIsWrittenNext()
    {
        await ComesAsync([Frame(Settings, 0, []), Frame(Ping, 0, [1, 2, 3, 4, 5, 6, 7, 8]), Frame(Data, 0, Message(1, 0))]);

        await _connection.ReadAsync();
        await _connection.FlushAsync();

        var frames = Frames();
        frames.ShouldContain(f => f.Type == Settings && f.Flags == Ack && f.Payload.Length == 0);
        frames.ShouldContain(f => f.Type == Ping && f.Flags == Ack && f.Payload.SequenceEqual(new byte[] { 1, 2, 3, 4, 5, 6, 7, 8 }));
    }

    // Else the control plane would run out of window after a megabyte, and the simulated sidecar look stuck.
    [Fact]
    public async Task ReadAsync_MoreThanItsWindow_GivesBackAllButLessThanHalf()
    {
        const int messages = 40;
        var (came, given) = (0, 0);
        for (var i = 0; i < messages; i++)
        {
            var frames = Message(1, 60_000).Chunk(16_000).ToArray();
            came += frames.Sum(f => f.Length);
            await ComesAsync(frames.Select(chunk => Frame(Data, 0, chunk)));
            await _connection.ReadAsync();
            await _connection.FlushAsync();
        }

        given = Frames().Where(f => f.Type == WindowUpdate && f.Stream == 1).Sum(f => BinaryPrimitives.ReadInt32BigEndian(f.Payload));
        (came - given).ShouldBeInRange(0, (1 << 19) - 1);
        Frames().Where(f => f.Type == WindowUpdate && f.Stream == 0).Sum(f => BinaryPrimitives.ReadInt32BigEndian(f.Payload)).ShouldBe(given);
    }

    [Fact]
    public async Task ReadAsync_DataForTenSeconds_PingsAsSocketsHttpHandlerDoes()
    {
        for (var tenth = 0; tenth < 100; tenth++)
        {
            await ComesAsync([Frame(Data, 0, Message(1, 0)), Frame(Ping, Ack, new byte[8])]);
            await _connection.ReadAsync();
            await _connection.FlushAsync();
            _time.Advance(TimeSpan.FromMilliseconds(100));
        }

        // Four at once, the last at 0.3 s, then each 2 s.
        Frames().Count(f => f.Type == Ping && f.Flags == 0).ShouldBe(4 + 4);
    }

    [Fact]
    public async Task ReadAsync_EndOfStreamOrReset_Throws()
    {
        await ComesAsync([Frame(1, 1 | 4, [0x88])]);
        (await Should.ThrowAsync<IOException>(async () => await _connection.ReadAsync())).Message.ShouldContain("ended the stream");

        using var other = new SidecarConnection(new TwoWays(new MemoryStream(Frame(3, 0, [0, 0, 0, 8])), _sent), _time);
        (await Should.ThrowAsync<IOException>(async () => await other.ReadAsync())).Message.ShouldContain("ResetStream, error 8");
    }

    private static byte[] Message(ulong nonce, int bytes)
    {
        var message = new ControlPlaneMessage { Update = new Update { Nonce = nonce, Resources = { new Resource { Key = new string('k', bytes) } } } }.ToByteArray();
        return [0, (byte)(message.Length >> 24), (byte)(message.Length >> 16), (byte)(message.Length >> 8), (byte)message.Length, .. message];
    }

    private static byte[] Frame(byte type, byte flags, byte[] payload) =>
        [(byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length, type, flags, 0, 0, 0, type is Data or 1 or 3 ? (byte)1 : (byte)0, .. payload];

    private async Task ComesAsync(IEnumerable<byte[]> frames)
    {
        foreach (var frame in frames)
        {
            _toSidecar.Writer.Write(frame);
        }

        await _toSidecar.Writer.FlushAsync();
    }

    private List<(byte Type, byte Flags, byte Stream, byte[] Payload)> Frames()
    {
        var (bytes, frames) = (_sent.ToArray(), new List<(byte, byte, byte, byte[])>());
        for (var at = 0; at < bytes.Length;)
        {
            var length = bytes[at] << 16 | bytes[at + 1] << 8 | bytes[at + 2];
            frames.Add((bytes[at + 3], bytes[at + 4], bytes[at + 8], bytes[(at + 9)..(at + 9 + length)]));
            at += 9 + length;
        }

        return frames;
    }

    private sealed class TwoWays(Stream from, Stream to) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Flush() => to.Flush();

        // A pipe's stream takes a read of nothing for the end.
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            buffer.IsEmpty ? ValueTask.FromResult(0) : from.ReadAsync(buffer, cancellationToken);

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => to.Write(buffer, offset, count);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => to.WriteAsync(buffer, cancellationToken);
    }
}
