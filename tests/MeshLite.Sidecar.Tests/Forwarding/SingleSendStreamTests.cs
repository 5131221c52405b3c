using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;
using MeshLite.Sidecar.Forwarding;

namespace MeshLite.Sidecar.Tests.Forwarding;

public sealed class SingleSendStreamTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Pipe _fromServer = new();
    private readonly SingleSendStream _stream;

    public SingleSendStreamTests() => _stream = new SingleSendStream(new Duplex(_fromServer.Reader.AsStream(), new MemoryStream()));

    [Fact]
    public async Task Read_ServerEndsBeforeAnswering_Throws()
    {
        await _stream.WriteAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray());
        await _fromServer.Writer.CompleteAsync();

        await Should.ThrowAsync<IOException>(() => ReadAsync());
    }

    [Fact]
    public async Task Read_BegunBeforeTheRequest_ThrowsToo()
    {
        // The pool reads ahead on an idle connection; the request is written while that read waits.
        var ahead = ReadAsync();
        await _stream.WriteAsync("POST / HTTP/1.1\r\n\r\n"u8.ToArray());
        await _fromServer.Writer.CompleteAsync();

        await Should.ThrowAsync<IOException>(() => ahead);
    }

    [Theory]
    [InlineData("")]
    [InlineData("HTTP/1.1 408 Request Timeout\r\n\r\n")]
    public async Task Write_ServerHasEndedTheConnection_WritesNothingAndSaysSo(string lastWords)
    {
        using var pair = await SocketPair.CreateAsync();
        await using var stream = new SingleSendStream(new NetworkStream(pair.Client));
        await stream.WriteAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray());
        await pair.Server.SendAsync("HTTP/1.1 204 No Content\r\n\r\n"u8.ToArray());
        await stream.ReadExactlyAsync(new byte[27]);
        await pair.Server.SendAsync(Encoding.ASCII.GetBytes(lastWords));
        pair.Server.Shutdown(SocketShutdown.Send);
        pair.Client.Poll(Patience, SelectMode.SelectRead).ShouldBeTrue("the end has come");

        await Should.ThrowAsync<ConnectException>(async () => await stream.WriteAsync("POST / HTTP/1.1\r\n\r\n"u8.ToArray()));

        var received = new byte[100];
        (await pair.Server.ReceiveAsync(received)).ShouldBe(18, "the first request, and nothing of the second");
        pair.Server.Available.ShouldBe(0);
    }

    [Fact]
    public async Task Read_ServerEndsAnIdleConnection_IsItsEnd()
    {
        await _fromServer.Writer.CompleteAsync();

        (await ReadAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task Read_ServerEndsItsResponse_IsItsEnd()
    {
        await _stream.WriteAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray());
        await _fromServer.Writer.WriteAsync("HTTP/1.1 200 OK\r\n\r\nbody"u8.ToArray());
        (await ReadAsync()).ShouldBeGreaterThan(0);
        await _fromServer.Writer.CompleteAsync();

        (await ReadAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task Read_SecondRequestOfTheConnection_IsWatchedAgain()
    {
        await _stream.WriteAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray());
        await _fromServer.Writer.WriteAsync("HTTP/1.1 204 No Content\r\n\r\n"u8.ToArray());
        await ReadAsync();
        await _stream.WriteAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray());
        await _fromServer.Writer.CompleteAsync();

        await Should.ThrowAsync<IOException>(() => ReadAsync());
    }

    [Fact]
    public async Task Read_OfNothing_OnlyWaits()
    {
        await _stream.WriteAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray());
        await _fromServer.Writer.WriteAsync(new byte[1]);

        (await _stream.ReadAsync(Memory<byte>.Empty)).ShouldBe(0);

        await _fromServer.Writer.CompleteAsync();
        (await ReadAsync()).ShouldBe(1);
    }

    private Task<int> ReadAsync() => _stream.ReadAsync(new byte[100]).AsTask().WaitAsync(TimeSpan.FromSeconds(15));

    private sealed class Duplex(Stream from, Stream to) : Stream
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

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => from.ReadAsync(buffer, cancellationToken);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => to.WriteAsync(buffer, cancellationToken);

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
